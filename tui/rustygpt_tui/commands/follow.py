"""The command `follow`: print the events of a conversation as they happen."""

from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import get_args
from uuid import UUID

import click

from rustygpt_shared.events import ErrorEvent, Event, MessageDone, StreamClosed, StreamReset
from rustygpt_tui.client.feed import Connecting, Disconnected, FeedItem, Live
from rustygpt_tui.client.feed import follow as feed
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.cursors import FollowCursor
from rustygpt_tui.commands.event_format import line_of, root_of, type_of
from rustygpt_tui.errors import Forbidden, UsageError


@dataclass
class EventFilter:
    """Which events are printed; None means all."""

    types: frozenset[str] | None
    root_id: UUID | None
    _failed: set[UUID] = field(default_factory=set)
    """The thread's answers that failed and whose `error` has not arrived yet."""

    def matches(self, event: Event) -> bool:
        """Return True when an event is printed; call it for each event, in order."""
        in_thread = self._is_in_thread(event)
        return in_thread and (self.types is None or type_of(event) in self.types)

    def _is_in_thread(self, event: Event) -> bool:
        """Return True for events of the thread, and for the errors of its answers."""
        if self.root_id is None:
            return True
        if isinstance(event, ErrorEvent):
            message_id = event.payload.message_id
            is_expected = message_id in self._failed
            self._failed -= {message_id}
            return is_expected
        in_thread = root_of(event) == self.root_id
        if in_thread and isinstance(event, MessageDone) and event.payload.finish_reason == "error":
            self._failed.add(event.payload.message_id)
        return in_thread


@command("follow")
@click.option("--conversation", metavar="C", help="The conversation to follow.")
@click.option("--root", metavar="R", help="Only this thread.")
@click.option("--since", metavar="ID", help="Start after this event instead of now.")
@click.option("--since-last", is_flag=True, help="Start where the last `follow` ended.")
@click.option("--types", metavar="A,B", help="Only events of these types.")
@click.option("--once", is_flag=True, help="End after the first event.")
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
    type_filter = _parse_types(types)
    async with context.client() as client:
        conversation_id, root_id = await _resolve_target(client, conversation, root)
        cursor = FollowCursor(client.origin, client.session.account or "", conversation_id)
        start = cursor.read() if since_last else since
        if start is None:
            start = (await client.show_conversation(conversation_id)).last_event_id
        event_filter = EventFilter(type_filter, root_id)
        async with aclosing(feed(client, conversation_id, start)) as items:
            async for item in items:
                printed = _print_item(context, item, event_filter)
                _save_cursor(cursor, item)
                if printed and once:
                    return


def _save_cursor(cursor: FollowCursor, item: FeedItem) -> None:
    """Store the id of a durable event; an error is ignored, as only --since-last needs the id."""
    if not isinstance(item, Connecting | Live | Disconnected) and item.id:
        with suppress(OSError):
            cursor.write(item.id)


def _print_item(context: CommandContext, item: FeedItem, event_filter: EventFilter) -> bool:
    """Print an item of the feed if it is an event that matches; return True when it was printed."""
    match item:
        case Connecting() | Live():
            return False
        case Disconnected(retry_in=seconds, reason=reason):
            context.out.note(f"{reason} Trying again in {seconds:.0f} s.")
            return False
        case StreamClosed(payload=payload) if payload.reason != "shutdown":
            raise Forbidden(f"The server ended the stream ({payload.reason}).")
    if not event_filter.matches(item):
        if isinstance(item, StreamReset):
            context.out.note(f"Some events were missed ({item.payload.reason}).")
        return False
    if context.out.json:
        context.out.object(item)
    else:
        context.out.line(line_of(item))
    return True


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
