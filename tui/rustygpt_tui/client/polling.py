"""Feeds of a server without streams (`features.sse_v1` is off): they ask for what has changed.

They yield the events after which the callers of a feed fetch a conversation again. Opening streams
belongs to `feed`.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from uuid import UUID

from rustygpt_shared.events import (
    Event,
    StreamOpen,
    StreamOpenPayload,
    StreamReset,
    StreamResetPayload,
)
from rustygpt_shared.models.conversations import Conversation, ConversationList
from rustygpt_tui.client.transport import Transport

POLL_SECONDS = 3.0
_UNCHANGED_MAX = 10
"""After this many polls without a change, callers are asked to fetch presence again."""


@dataclass(frozen=True)
class Polling:
    """The server has no streams; changes are fetched every `interval` seconds."""

    interval: float


async def poll_conversation(
    client: Transport, conversation_id: UUID, position: str | None, interval: float
) -> AsyncGenerator[Polling | Event, None]:
    """Yield a StreamReset whenever the conversation has got events after `position`.

    `interval` is in seconds. Raises ClientError, NotFound for who is not in the conversation.
    """
    path = f"/api/conversations/{conversation_id}"
    current = (await client.call("GET", path, Conversation)).last_event_id
    known = position or current
    yield Polling(interval)
    while True:
        if current and current != known:
            known = current
            yield StreamReset(StreamResetPayload("unknown", current))
        await asyncio.sleep(interval)
        current = (await client.call("GET", path, Conversation)).last_event_id


async def poll_all(client: Transport, interval: float) -> AsyncGenerator[Polling | Event, None]:
    """Yield a StreamOpen with the positions of the latest conversations when one has changed.

    `interval` is in seconds. Raises ClientError.
    """
    known: ConversationList | None = None
    unchanged = 0
    yield Polling(interval)
    while True:
        page = await client.call(
            "GET", "/api/conversations", ConversationList, query={"limit": "200"}
        )
        unchanged += 1
        if page != known or unchanged == _UNCHANGED_MAX:
            known, unchanged = page, 0
            positions = {c.id: c.last_event_id for c in page.conversations if c.last_event_id}
            yield StreamOpen(StreamOpenPayload(positions=positions))
        await asyncio.sleep(interval)
