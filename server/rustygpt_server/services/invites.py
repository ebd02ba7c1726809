"""Invites to conversations: creation, acceptance, revocation."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from rustygpt_server.clock import Clock
from rustygpt_server.db import invites
from rustygpt_server.db.database import Database
from rustygpt_server.db.invites import NewInvite
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.secret_tokens import INVITE_PREFIX, hash_token, new_prefixed_token
from rustygpt_shared import requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.invites import AcceptedInvite, CreatedInvite, Invite

MAX_INVITES: Final = 100
"""How many live invites a conversation may have."""


class Invites:
    """The invites of one server."""

    def __init__(self, db: Database, hub: Hub, access: AccessMonitor, clock: Clock) -> None:
        self._db = db
        self._hub = hub
        self._access = access
        self._clock = clock

    async def create_invite(
        self,
        actor: UUID,
        conversation_id: UUID,
        request: requests.CreateInvite,
        idempotency_key: IdempotencyKey | None,
    ) -> CreatedInvite:
        """Invite somebody to a conversation; only the result has the token."""
        token = new_prefixed_token(INVITE_PREFIX)
        now = self._clock.now()
        new = NewInvite(
            id=new_id(int(now.timestamp() * 1000)),
            token_hash=hash_token(token),
            email=request.email,
            role=request.role,
            expires_at=now + timedelta(seconds=request.seconds),
        )
        await invites.create_invite(
            self._db, actor, conversation_id, new, MAX_INVITES, idempotency_key, now
        )
        return CreatedInvite(token, new.expires_at, new.id)

    async def list_invites(
        self, actor: UUID, conversation_id: UUID, before: tuple[datetime, UUID] | None, limit: int
    ) -> list[Invite]:
        """Return a conversation's invites, before the creation and the id of one."""
        return await invites.list_invites(
            self._db, actor, conversation_id, before, limit, self._clock.now()
        )

    async def accept_invite(self, actor: UUID, token: str) -> AcceptedInvite:
        """Let the actor join the conversation of an invite."""
        joined = await invites.accept_invite(self._db, actor, hash_token(token), self._clock.now())
        self._hub.publish(joined.conversation_id, joined.events)
        self._access.publish_memberships(joined.events)
        return AcceptedInvite(joined.conversation_id, joined.role)

    async def revoke_invite(self, actor: UUID, token_or_id: str) -> None:
        """Revoke an invite, given its id or its token."""
        await invites.revoke_invite(
            self._db, actor, _id(token_or_id), hash_token(token_or_id), self._clock.now()
        )

    async def prune(self) -> None:
        """Delete invites that ended long ago."""
        await invites.prune_invites(self._db, self._clock.now())


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
