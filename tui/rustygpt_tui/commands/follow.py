"""follow: print what happens in a conversation, as it happens."""

from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import get_args
from uuid import UUID

import click

from rustygpt_shared.events import Event, StreamClosed
from rustygpt_tui.client.feed import Connecting, FeedItem, Live, Lost
from rustygpt_tui.client.feed import follow as feed
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.base import Call, command
from rustygpt_tui.commands.event_lines import kind_of, line_of, root_of
from rustygpt_tui.commands.positions import Position
from rustygpt_tui.errors import Forbidden, UsageError


@dataclass(frozen=True)
class Wanted:
    """Which events are printed; None means all."""

    types: frozenset[str] | None
    root_id: UUID | None

    def fits(self, event: Event) -> bool:
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
    call: Call,
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
    async with call.client() as client:
        where, root_id = await _place(client, conversation, root)
        position = Position(client.origin, client.session.account or "", where)
        start = position.read() if since_last else since
        if start is None:
            start = (await client.show_conversation(where)).last_event_id
        wanted = Wanted(kinds, root_id)
        async with aclosing(feed(client, where, start)) as items:
            async for item in items:
                told = _tell(call, item, wanted)
                _keep(position, item)
                if told and once:
                    return


def _keep(position: Position, item: FeedItem) -> None:
    """Remember how far it came; where that cannot be kept, only --since-last is the poorer."""
    if not isinstance(item, Connecting | Live | Lost) and item.id:
        with suppress(OSError):
            position.write(item.id)


def _tell(call: Call, item: FeedItem, wanted: Wanted) -> bool:
    """Print an item where it is wanted; tells whether it was an event that is."""
    match item:
        case Connecting() | Live():
            return False
        case Lost(retry_in=seconds, reason=reason):
            call.out.note(f"{reason} Trying again in {seconds:.0f} s.")
            return False
        case StreamClosed(payload=closing) if closing.reason != "shutdown":
            raise Forbidden(f"The server ended the stream ({closing.reason}).")
        case _ if not wanted.fits(item):
            return False
    if call.out.json:
        call.out.object(item)
    else:
        call.out.line(line_of(item))
    return True


async def _place(
    client: Client, conversation: str | None, root: str | None
) -> tuple[UUID, UUID | None]:
    if root:
        root_id = await resolve.root(client, root)
        return (await client.message(root_id)).conversation_id, root_id
    if conversation:
        return await resolve.conversation(client, conversation), None
    raise UsageError("Name what to follow, with --conversation or --root.")


def _kinds(types: str | None) -> frozenset[str] | None:
    if types is None:
        return None
    known = {str(shape.__struct_config__.tag) for shape in get_args(Event)}
    asked = frozenset(name.strip() for name in types.split(",") if name.strip())
    if unknown := sorted(asked - known):
        raise UsageError(
            f"There is no event of type {', '.join(unknown)}; there are {', '.join(sorted(known))}."
        )
    return asked
