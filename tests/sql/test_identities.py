"""Identities at other providers, and pending sign-ins there."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import accounts, identities, sessions
from rustygpt_server.db.identities import Identity, NewIdentityAccount, OAuthFlow
from rustygpt_server.errors import Conflict, Forbidden, NotFound, PasswordChanged
from rustygpt_shared.requests import UpdateMe

_STATE, _BINDING = b"s" * 32, b"b" * 32


def _identity(subject: str = "person-1", issuer: str = "https://login.example.org") -> Identity:
    return Identity("oidc", issuer, subject, "ann@example.org")


def _account(
    builder: DatabaseBuilder, name: str, subject: str, email: str | None = None
) -> NewIdentityAccount:
    return NewIdentityAccount(
        builder.id(), name, email, None, [name], [], builder.id(), _identity(subject)
    )


async def _session(builder: DatabaseBuilder, user: UUID) -> UUID:
    """Start a session of a user; return its id."""
    session_id = builder.id()
    new = sessions.NewSession(
        session_id,
        user,
        await accounts.show_password(builder.db, user),
        session_id.bytes * 2,
        None,
        None,
    )
    await sessions.start_session(
        builder.db, new, sessions.SessionLimits(600, 6_000, 5), builder.now
    )
    return session_id


async def test_a_flow_is_used_once_under_concurrency(builder: DatabaseBuilder) -> None:
    """Of several callbacks at once one gets it; those of other browsers and providers get none."""
    db, now = builder.db, builder.now
    later = now + timedelta(minutes=10)
    await identities.begin_oauth_flow(
        db, _STATE, _BINDING, "oidc", OAuthFlow(invite_hash=b"i" * 32), later
    )
    for state, binding, provider, moment in (
        (b"x" * 32, _BINDING, "oidc", now),
        (_STATE, b"x" * 32, "oidc", now),
        (_STATE, _BINDING, "github", now),
        (_STATE, _BINDING, "oidc", later),
    ):
        taken = await identities.take_oauth_flow(db, state, binding, provider, moment)  # type: ignore[arg-type]
        assert taken is None
    attempts = [identities.take_oauth_flow(db, _STATE, _BINDING, "oidc", now) for _ in range(4)]
    taken_ones = [flow for flow in await asyncio.gather(*attempts) if flow]

    assert taken_ones == [OAuthFlow(invite_hash=b"i" * 32)]


async def test_flows_that_have_expired_are_pruned(builder: DatabaseBuilder) -> None:
    """Others stay."""
    for number in range(3):
        end = builder.now + timedelta(minutes=number)
        state = bytes([number]) * 32
        await identities.begin_oauth_flow(builder.db, state, _BINDING, "oidc", OAuthFlow(), end)

    assert await identities.prune_oauth_flows(builder.db, builder.now + timedelta(minutes=1)) == 2


async def test_an_identity_is_issuer_and_subject(builder: DatabaseBuilder) -> None:
    """The same subject of another issuer is somebody else."""
    db, now = builder.db, builder.now
    account = _account(builder, "ann", "person-1", "Ann@Example.org")
    await identities.register_identity(db, account, None, now)
    login = await identities.find_identity(db, _identity(), now)
    other = _identity(issuer="https://other.example.org")

    assert login is not None
    assert (login.user_id, login.username, login.password_hash) == (account.id, "ann", "")
    assert await identities.find_identity(db, other, now) is None
    with pytest.raises(Conflict):
        await identities.register_identity(db, _account(builder, "eve", "person-1"), None, now)
    assert (await accounts.find_login(db, "ann@example.org")) is not None


async def test_a_taken_address_is_not_the_login_of_a_second_account(
    builder: DatabaseBuilder,
) -> None:
    """Nobody learns from it that the address has an account."""
    first = await builder.person("first")
    address = (await accounts.show_me(builder.db, first)).email
    account = _account(builder, "second", "person-2", address)
    await identities.register_identity(builder.db, account, None, builder.now)
    login = await accounts.find_login(builder.db, address)

    assert login is not None
    assert login.user_id == first
    assert (await accounts.show_me(builder.db, account.id)).email == address


async def test_linking_needs_a_live_session(builder: DatabaseBuilder) -> None:
    """An identity of another account stays where it is, and there are not too many."""
    db, now = builder.db, builder.now
    ann, bob = await builder.person("ann"), await builder.person("bob")
    flow = OAuthFlow(ann, await _session(builder, ann))
    for _ in range(2):
        await identities.link_identity(db, flow, builder.id(), _identity("a"), 2, now)
    await identities.link_identity(db, flow, builder.id(), _identity("b"), 2, now)
    with pytest.raises(Forbidden):
        await identities.link_identity(db, flow, builder.id(), _identity("c"), 2, now)
    of_bob = OAuthFlow(bob, await _session(builder, bob))
    with pytest.raises(Conflict):
        await identities.link_identity(db, of_bob, builder.id(), _identity("a"), 2, now)
    for broken in (OAuthFlow(bob, flow.session_id), OAuthFlow(ann, builder.id())):
        with pytest.raises(NotFound):
            await identities.link_identity(db, broken, builder.id(), _identity("d"), 9, now)
    ended = now + timedelta(seconds=601)
    with pytest.raises(NotFound):
        await identities.link_identity(db, of_bob, builder.id(), _identity("d"), 9, ended)

    assert len(await identities.list_identities(db, ann)) == 2
    assert await identities.list_identities(db, bob) == []


async def test_the_last_way_to_sign_in_stays_under_concurrency(builder: DatabaseBuilder) -> None:
    """Of two identities of an account without a password, one is unlinked."""
    db, now = builder.db, builder.now
    account = _account(builder, "ann", "a")
    await identities.register_identity(db, account, None, now)
    flow = OAuthFlow(account.id, await _session(builder, account.id))
    await identities.link_identity(db, flow, builder.id(), _identity("b"), 9, now)
    listed = await identities.list_identities(db, account.id)
    results = await asyncio.gather(
        *(identities.unlink_identity(db, account.id, one.id) for one in listed),
        return_exceptions=True,
    )

    assert sorted(type(result).__name__ for result in results) == ["Conflict", "str"]


async def test_an_account_without_a_password_has_no_password_to_guess(
    builder: DatabaseBuilder,
) -> None:
    """Neither no hash nor another one changes its address."""
    account = _account(builder, "ann", "a")
    await identities.register_identity(builder.db, account, None, builder.now)
    for checked in (None, "x"):
        with pytest.raises(PasswordChanged):
            await accounts.update_me(
                builder.db, account.id, UpdateMe(email="x@y.org", current_password="x"), checked
            )
