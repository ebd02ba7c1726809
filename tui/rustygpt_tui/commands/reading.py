"""threads, unread and read: what there is to read, and what was."""

from itertools import islice
from uuid import UUID

import click
from msgspec import Struct

from rustygpt_shared.models.conversations import Conversation, ThreadSummary, unread_label
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.output import Columns

THREADS: Columns[ThreadSummary] = {
    "ROOT": lambda t: str(t.root_id),
    "UNREAD": lambda t: unread_label(t.unread),
    "MESSAGES": lambda t: t.message_count,
    "PEOPLE": lambda t: t.participant_count,
    "LAST ACTIVITY": lambda t: t.last_activity_at,
    "BEGINS": lambda t: t.root_excerpt[:60],
}
LIMIT = 50


class UnreadThread(Struct, frozen=True):
    """A thread with unread messages, and its conversation."""

    conversation_id: UUID
    title: str
    root_id: UUID
    unread: int


UNREAD: Columns[UnreadThread] = {
    "CONVERSATION": lambda u: u.title,
    "ROOT": lambda u: str(u.root_id),
    "UNREAD": lambda u: unread_label(u.unread),
}


@command("threads")
@click.argument("conversation", metavar="C")
@click.option("--limit", type=click.IntRange(1), default=LIMIT, help=f"Default: {LIMIT}.")
async def threads(context: CommandContext, conversation: str, limit: int) -> None:
    """The threads of a conversation, latest activity first."""
    async with context.client() as client:
        found, rows = await resolve.conversation(client, conversation), []
        async for thread in pages.threads(client, found):
            rows.append(thread)
            if len(rows) > limit:
                context.out.note(f"There are more than {limit} threads; see them with --limit.")
                break
        context.out.rows(islice(rows, limit), THREADS)


@command("unread")
@click.argument("conversation", metavar="[C]", required=False)
async def unread(context: CommandContext, conversation: str | None) -> None:
    """Threads with unread messages, of one conversation or of all."""
    async with context.client() as client:
        if conversation:
            found = await resolve.conversation(client, conversation)
            talks = [await client.show_conversation(found)]
        else:
            talks = [c async for c in pages.conversations(client) if c.unread]
        rows = [row for talk in talks for row in await _unread(client, talk)]
        context.out.rows(rows, UNREAD)


@command("read")
@click.argument("root", metavar="R")
@click.option("--message", metavar="M", help="Up to this message; by default to the end.")
async def read(context: CommandContext, root: str, message: str | None) -> None:
    """Mark a thread as read; a mark never moves back."""
    async with context.client() as client:
        found = await resolve.root(client, root)
        upto = await resolve.message(client, message) if message else None
        marked = await client.mark_read(found, message_id=upto)
        context.out.record(marked, {"Unread": marked.unread})


async def _unread(client: Client, talk: Conversation) -> list[UnreadThread]:
    answer = await client.list_unread(talk.id)
    return [UnreadThread(talk.id, talk.title, t.root_id, t.unread) for t in answer.threads]
