"""The command `follow`: print the events of a conversation as they happen."""

from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import get_args
from uuid import UUID

import click

from rustygpt_shared.events import (
    Event,
    MembershipChanged,
    MessageNew,
    MessageUpdated,
    StreamClosed,
    StreamOpen,
    StreamReset,
)
from rustygpt_shared.ids import event_number
from rustygpt_tui.client.feed import Connection, Disconnected, FeedItem
from rustygpt_tui.client.feed import follow as feed
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.polling import Polling
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.cursors import FollowCursor
from rustygpt_tui.commands.event_format import line_of, root_of, type_of
from rustygpt_tui.commands.interrupts import ends_with_reader
from rustygpt_tui.commands.output import NO_STREAMS, retry_text
from rustygpt_tui.commands.polled_messages import with_polled_messages
from rustygpt_tui.errors import Forbidden, UsageError
from rustygpt_tui.store.names import Names


@dataclass
class EventFilter:
    """Which events are printed; None means all."""

    types: frozenset[str] | None
    root_id: UUID | None

    def matches(self, event: Event) -> bool:
        """Return True when an event is printed."""
        in_thread = self.root_id is None or root_of(event) == self.root_id
        return in_thread and (self.types is None or type_of(event) in self.types)

    def is_last(self, event: Event) -> bool:
        """Return True for an event that `--once` ends after.

        The events about the stream itself only count when `--types` names no others.
        """
        is_about_stream = isinstance(event, StreamOpen | StreamReset | StreamClosed)
        only_stream = all(name.startswith("stream.") for name in self.types or {""})
        return only_stream or not is_about_stream


@dataclass
class EventPrinter:
    """Prints the items of a feed that match a filter."""

    context: CommandContext
    client: Client
    conversation_id: UUID
    event_filter: EventFilter
    _names: Names | None = None
    """The labels of the participants, once a line needs them."""

    async def print(self, item: FeedItem) -> Event | None:
        """Print an item if it is an event that matches; return the event if printed."""
        if isinstance(item, Connection):
            self._note_connection(item)
            return None
        if isinstance(item, StreamClosed) and item.payload.reason != "shutdown":
            raise Forbidden(f"The server ended the stream ({item.payload.reason}).")
        if isinstance(item, MembershipChanged):
            self._names = None
        if not self.event_filter.matches(item):
            if isinstance(item, StreamReset):
                self.context.out.note(f"Some events were missed ({item.payload.reason}).")
            return None
        if self.context.out.json:
            self.context.out.object(item)
        else:
            self.context.out.line(await self._line(item))
        return item

    def _note_connection(self, connection: Connection) -> None:
        match connection:
            case Polling():
                self.context.out.note(NO_STREAMS)
            case Disconnected(retry_in=seconds, reason=reason):
                self.context.out.note(f"{reason} {retry_text(seconds)}")

    async def _line(self, event: Event) -> str:
        if self._names is None and isinstance(event, MessageNew | MessageUpdated):
            self._names = await pages.names(self.client, self.conversation_id)
        return line_of(event, self._names or Names())


@command("follow")
@click.option("--conversation", metavar="C", help="The conversation to follow.")
@click.option("--root", metavar="R", help="Only this thread.")
@click.option("--since", metavar="ID", help="Start after this event instead of now.")
@click.option("--since-last", is_flag=True, help="Start where the last `follow` ended.")
@click.option("--types", metavar="A,B", help="Only events of these types.")
@click.option(
    "--once", is_flag=True, help="End after the first event that is not about the stream."
)
async def follow(
    context: CommandContext,
    conversation: str | None,
    root: str | None,
    since: str | None,
    since_last: bool,
    types: str | None,
    once: bool,
) -> None:
    """Print the events of a conversation, one per line; with --json, the events themselves.

    The connection is opened again when it breaks, and no event is lost that the server still has.
    """
    if since and since_last:
        raise UsageError("Use either --since or --since-last, not both.")
    if since and event_number(since) is None:
        raise UsageError(f"--since {since!r} is not the id of an event; ids are like evt_42.")
    type_filter = _parse_types(types)
    async with context.client() as client:
        conversation_id, root_id = await _resolve_target(client, conversation, root)
        cursor = FollowCursor(client.origin, client.session.account or "", conversation_id)
        start = cursor.read() if since_last else since
        snapshot = await client.show_conversation(conversation_id)
        event_filter = EventFilter(type_filter, root_id)
        printer = EventPrinter(context, client, conversation_id, event_filter)
        events = feed(client, conversation_id, start or snapshot.last_event_id)
        items_of_feed = with_polled_messages(client, snapshot, events)
        async with ends_with_reader(), aclosing(items_of_feed) as items:
            async for item in items:
                printed = await printer.print(item)
                _save_cursor(cursor, item)
                if once and printed and event_filter.is_last(printed):
                    return


def _save_cursor(cursor: FollowCursor, item: FeedItem) -> None:
    """Store the id of a durable event; an error is ignored, as only --since-last needs the id."""
    if not isinstance(item, Connection) and item.id:
        with suppress(OSError):
            cursor.write(item.id)


async def _resolve_target(
    client: Client, conversation: str | None, root: str | None
) -> tuple[UUID, UUID | None]:
    """Return the id of the conversation to follow, and the root of the thread if one is named."""
    if root:
        root_id = await resolve.root(client, root)
        return (await client.get_message(root_id)).conversation_id, root_id
    if conversation:
        return await resolve.conversation(client, conversation), None
    raise UsageError("Name what to follow, with --conversation or --root.")


def _parse_types(types: str | None) -> frozenset[str] | None:
    if types is None:
        return None
    existing = {str(event.__struct_config__.tag) for event in get_args(Event)}
    requested = frozenset(name.strip() for name in types.split(",") if name.strip())
    if unknown := sorted(requested - existing):
        raise UsageError(
            f"There is no event type {', '.join(unknown)}; "
            f"the types are {', '.join(sorted(existing))}."
        )
    return requested
