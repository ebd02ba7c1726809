"""follow: print what happens in a conversation, as it happens."""

from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import get_args
from uuid import UUID

import click

from rustygpt_shared.events import Event, StreamClosed
from rustygpt_tui.client.feed import Connecting, Disconnected, FeedItem, Live
from rustygpt_tui.client.feed import follow as feed
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.cursors import FollowCursor
from rustygpt_tui.commands.event_format import kind_of, line_of, root_of
from rustygpt_tui.errors import Forbidden, UsageError


@dataclass(frozen=True)
class EventFilter:
    """Which events are printed; None means all."""

    types: frozenset[str] | None
    root_id: UUID | None

    def matches(self, event: Event) -> bool:
        """Whether an event is printed."""
        right_type = self.types is None or kind_of(event) in self.types
        return right_type and (self.root_id is None or root_of(event) == self.root_id)


@command("follow")
@click.option("--conversation", metavar="C", help="The conversation to follow.")
@click.option("--root", metavar="R", help="Only this thread.")
@click.option("--since", metavar="ID", help="Begin after this event, not now.")
@click.option("--since-last", is_flag=True, help="Begin where the last follow ended.")
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
    """Print the events of a conversation, one a line; with --json, the events themselves.

    It connects again by itself and misses nothing that the server still has.
    """
    if since and since_last:
        raise UsageError("Take either --since or --since-last.")
    kinds = _kinds(types)
    async with context.client() as client:
        where, root_id = await _resolve_target(client, conversation, root)
        cursor = FollowCursor(client.origin, client.session.account or "", where)
        start = cursor.read() if since_last else since
        if start is None:
            start = (await client.show_conversation(where)).last_event_id
        event_filter = EventFilter(kinds, root_id)
        async with aclosing(feed(client, where, start)) as items:
            async for item in items:
                printed = _print_item(context, item, event_filter)
                _save_cursor(cursor, item)
                if printed and once:
                    return


def _save_cursor(cursor: FollowCursor, item: FeedItem) -> None:
    """Remember how far it came; where that cannot be kept, only --since-last is the poorer."""
    if not isinstance(item, Connecting | Live | Disconnected) and item.id:
        with suppress(OSError):
            cursor.write(item.id)


def _print_item(context: CommandContext, item: FeedItem, event_filter: EventFilter) -> bool:
    """Print an item where it is wanted; tells whether it was an event that is."""
    match item:
        case Connecting() | Live():
            return False
        case Disconnected(retry_in=seconds, reason=reason):
            context.out.note(f"{reason} Trying again in {seconds:.0f} s.")
            return False
        case StreamClosed(payload=closing) if closing.reason != "shutdown":
            raise Forbidden(f"The server ended the stream ({closing.reason}).")
        case _ if not event_filter.matches(item):
            return False
    if context.out.json:
        context.out.object(item)
    else:
        context.out.line(line_of(item))
    return True


async def _resolve_target(
    client: Client, conversation: str | None, root: str | None
) -> tuple[UUID, UUID | None]:
    if root:
        root_id = await resolve.root(client, root)
        return (await client.get_message(root_id)).conversation_id, root_id
    if conversation:
        return await resolve.conversation(client, conversation), None
    raise UsageError("Name what to follow, with --conversation or --root.")


def _kinds(types: str | None) -> frozenset[str] | None:
    if types is None:
        return None
    known = {str(shape.__struct_config__.tag) for shape in get_args(Event)}
    requested = frozenset(name.strip() for name in types.split(",") if name.strip())
    if unknown := sorted(requested - known):
        raise UsageError(
            f"There is no event of type {', '.join(unknown)}; there are {', '.join(sorted(known))}."
        )
    return requested
