"""The commands `threads`, `unread` and `read`: list threads, and mark them as read."""

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
    "BEGINS": lambda t: t.root_excerpt[:60] or "(deleted)",
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
@click.option(
    "--limit", type=click.IntRange(1), default=LIMIT, help=f"Threads at most; default: {LIMIT}."
)
async def list_threads(context: CommandContext, conversation: str, limit: int) -> None:
    """List the threads of a conversation, latest activity first."""
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        rows: list[ThreadSummary] = []
        async for thread in pages.threads(client, conversation_id):
            rows.append(thread)
            if len(rows) > limit:
                context.out.note(f"There are more than {limit} threads; list more with --limit.")
                break
        context.out.rows(islice(rows, limit), THREADS)


@command("unread")
@click.argument("conversation", metavar="[C]", required=False)
async def list_unread(context: CommandContext, conversation: str | None) -> None:
    """List threads with unread messages, of one conversation or of all."""
    async with context.client() as client:
        if conversation:
            conversation_id = await resolve.conversation(client, conversation)
            conversations = [await client.show_conversation(conversation_id)]
        else:
            conversations = [c async for c in pages.conversations(client) if c.unread]
        rows = [row for c in conversations for row in await _unread_threads(client, c)]
        context.out.rows(rows, UNREAD)


@command("read")
@click.argument("root", metavar="R")
@click.option("--message", metavar="M", help="Up to this message; by default to the end.")
async def mark_read(context: CommandContext, root: str, message: str | None) -> None:
    """Mark a thread as read, up to a message or to its end; marks never move back."""
    async with context.client() as client:
        root_id = await resolve.root(client, root)
        message_id = await resolve.message(client, message) if message else None
        result = await client.mark_read(root_id, message_id=message_id)
        context.out.record(result, {"Unread": unread_label(result.unread)})


async def _unread_threads(client: Client, conversation: Conversation) -> list[UnreadThread]:
    listed = await client.list_unread(conversation.id)
    return [
        UnreadThread(conversation.id, conversation.title, thread.root_id, thread.unread)
        for thread in listed.threads
    ]
