"""Closing open streams whose session or membership ended.

Changes are acted on as soon as `access` receives them; the checks here make up for changes that
were missed. Streams are opened in `streams`.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

from rustygpt_server.db.events import RevokedStream, StreamKey
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.registry import Revocation, SubscriberRegistry
from rustygpt_server.realtime.resume import SubscriptionStarter
from rustygpt_server.realtime.subscriber import Subscriber
from rustygpt_server.services.access import AccessMonitor
from rustygpt_server.services.memberships import Memberships
from rustygpt_server.services.sessions import Sessions

FindRevoked = Callable[[list[StreamKey]], Awaitable[list[RevokedStream]]]
"""Returns those of some streams that are not authorized any more."""


class StreamRevalidator:
    """Checks the authorization of open streams again."""

    def __init__(
        self,
        hub: Hub,
        subscribers: SubscriberRegistry,
        starter: SubscriptionStarter,
        access: AccessMonitor,
        memberships: Memberships,
        sessions: Sessions,
        find_revoked: FindRevoked,
    ) -> None:
        self._hub = hub
        self._subscribers = subscribers
        self._starter = starter
        self._access = access
        self._memberships = memberships
        self._sessions = sessions
        self._find_revoked = find_revoked

    async def revalidate_streams(self) -> None:
        """Check every open stream in the database; close those that are not authorized any more.

        An open stream counts as use of its session.
        """
        authorized_at_by_key: dict[StreamKey, int] = {}
        for subscriber in self._subscribers:
            for key, authorized_at in _stream_keys(subscriber):
                authorized_at_by_key[key] = max(authorized_at, authorized_at_by_key.get(key, 0))
        if not authorized_at_by_key:
            return
        await self._sessions.touch({key.session_id for key in authorized_at_by_key})
        for revoked in await self._find_revoked(list(authorized_at_by_key)):
            key = revoked.stream
            conversation_id = key.conversation_id if revoked.reason == "removed" else None
            # A user who was added again meanwhile has a subscription with a later authorization.
            number = authorized_at_by_key[key] + 1 if conversation_id else None
            generation = key.generation + 1 if revoked.reason == "password_changed" else None
            self._hub.revoke(
                Revocation(
                    revoked.reason, key.user_id, key.session_id, conversation_id, number, generation
                )
            )

    async def poll_access_changes(self) -> None:
        """Read new access changes; if some may be missing, check every stream."""
        await self._access.poll()
        if self._access.gap_detected:
            await self.revalidate_streams()
            await self._subscribe_missed_joins()
            self._access.gap_detected = False

    async def _subscribe_missed_joins(self) -> None:
        """Subscribe streams of all conversations to those that were joined unnoticed."""
        user_ids = {one.identity.user_id for one in self._subscribers if one.all_conversations}
        for user_id in user_ids:
            bounds_by_conversation = await self._memberships.load(user_id, None)
            for conversation_id, bounds in bounds_by_conversation.items():
                self._starter.subscribe_joined(user_id, conversation_id, bounds.position)

    async def close_due(self) -> None:
        """Close streams whose session expired or whose user was removed, without a query."""
        self._subscribers.close_expired()
        self._access.close_overdue_removals()
        self._subscribers.abort_overdue()


def _stream_keys(subscriber: Subscriber) -> list[tuple[StreamKey, int]]:
    """Return what a stream is authorized for, each with the event number of the last check."""
    identity = subscriber.identity
    conversations: list[tuple[UUID | None, int]] = [
        (one.conversation_id, one.authorized_at) for one in subscriber.subscriptions
    ]
    return [
        (
            StreamKey(identity.session_id, identity.user_id, conversation_id, identity.generation),
            authorized_at,
        )
        for conversation_id, authorized_at in conversations or [(None, 0)]
    ]
