"""Accounts at other providers with which users sign in, and pending sign-ins there."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.accounts import LoginRecord
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import EventRecord, event_records
from rustygpt_server.telemetry import client_address
from rustygpt_shared.models.identities import LinkedIdentity, ProviderName


class Identity(Struct, frozen=True):
    """An account at another provider; issuer and subject name it for ever."""

    provider: ProviderName
    issuer: str
    subject: str
    label: str | None = None
    """What the provider calls it now."""


class OAuthFlow(Struct, frozen=True):
    """Why a browser is at another provider: to sign in, or to link what it finds to a user."""

    user_id: UUID | None = None
    session_id: UUID | None = None
    invite_hash: bytes | None = None


class NewIdentityAccount(Struct, frozen=True):
    """An account without a password, to be created for an identity."""

    id: UUID
    username: str
    email: str | None
    """An address that the provider has verified."""
    display_name: str | None
    username_skeletons: list[str]
    display_skeletons: list[str]
    identity_id: UUID
    identity: Identity


async def begin_oauth_flow(
    db: Database,
    state_hash: bytes,
    binding_hash: bytes,
    provider: ProviderName,
    flow: OAuthFlow,
    expires_at: datetime,
) -> None:
    """Store that a browser signs in at a provider; `binding_hash` is of what it alone has."""
    await db.fetch_value(
        "SELECT rustygpt.begin_oauth_flow($1, $2, $3, $4, $5, $6, $7)",
        state_hash,
        binding_hash,
        provider,
        flow.user_id,
        flow.session_id,
        flow.invite_hash,
        expires_at,
    )


async def take_oauth_flow(
    db: Database, state_hash: bytes, binding_hash: bytes, provider: ProviderName, now: datetime
) -> OAuthFlow | None:
    """Use a flow up; None for one that is not this browser's, was used, or has expired."""
    row = await db.fetch_row(
        "SELECT * FROM rustygpt.take_oauth_flow($1, $2, $3, $4)",
        state_hash,
        binding_hash,
        provider,
        now,
    )
    return OAuthFlow(*row) if row else None


async def prune_oauth_flows(db: Database, now: datetime) -> int:
    """Delete flows that have expired; return how many."""
    return int(await db.fetch_value("SELECT rustygpt.prune_oauth_flows($1)", now))


async def find_identity(db: Database, identity: Identity, now: datetime) -> LoginRecord | None:
    """Return the account of an identity, and record its use."""
    row = await db.fetch_row(
        "SELECT * FROM rustygpt.find_identity($1, $2, $3, $4)",
        identity.issuer,
        identity.subject,
        identity.label,
        now,
    )
    return LoginRecord(*row) if row else None


async def register_identity(
    db: Database, account: NewIdentityAccount, invite_hash: bytes | None, now: datetime
) -> list[EventRecord]:
    """Create an account, and with an invite let it join; return the events of the joining.

    Raise Conflict for a name that is taken; with an invite also NotFound, Gone and Forbidden.
    """
    identity = account.identity
    row = await db.fetch_one(
        "SELECT * FROM rustygpt.register_identity(rustygpt.from_address($1::uuid, $14), "
        "$2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        account.id,
        account.username,
        account.email,
        account.display_name,
        account.username_skeletons,
        account.display_skeletons,
        invite_hash,
        account.identity_id,
        identity.provider,
        identity.issuer,
        identity.subject,
        identity.label,
        now,
        client_address(),
    )
    return event_records(*row)


async def link_identity(
    db: Database, flow: OAuthFlow, id: UUID, identity: Identity, maximum: int, now: datetime
) -> None:
    """Link an identity to the flow's user; raise NotFound if the flow's session has ended.

    Raise Forbidden beyond the maximum, Conflict for an identity of another account.
    """
    await db.fetch_value(
        "SELECT rustygpt.link_identity(rustygpt.from_address($1::uuid, $10), "
        "$2, $3, $4, $5, $6, $7, $8, $9)",
        flow.user_id,
        flow.session_id,
        id,
        identity.provider,
        identity.issuer,
        identity.subject,
        identity.label,
        maximum,
        now,
        client_address(),
    )


async def list_identities(db: Database, actor: UUID) -> list[LinkedIdentity]:
    """Return the user's identities, oldest first."""
    rows = await db.fetch("SELECT * FROM rustygpt.list_identities($1)", actor)
    return [LinkedIdentity(*row) for row in rows]


async def unlink_identity(db: Database, actor: UUID, identity_id: UUID) -> str:
    """Remove one of the user's identities; return its provider.

    Raise NotFound, or Conflict for the last one of an account without a password.
    """
    provider = await db.fetch_value(
        "SELECT rustygpt.unlink_identity(rustygpt.from_address($1::uuid, $3), $2)",
        actor,
        identity_id,
        client_address(),
    )
    return str(provider)
