"""The command `chat`: print a conversation's latest messages; on a terminal, continue as a chat."""

import sys
from uuid import UUID

import click

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.chat_thread import ThreadPrinter

LIMIT = 50
PAGE_SIZE = 200
END_SEQ = 2**31 - 1
"""Above the `seq` of every message."""


@command("chat")
@click.option("--conversation", metavar="C", required=True, help="The conversation.")
@click.option("--root", metavar="R", help="Only this thread.")
@click.option(
    "--limit", type=click.IntRange(1), default=LIMIT, help=f"Messages at most; default: {LIMIT}."
)
async def chat(context: CommandContext, conversation: str, root: str | None, limit: int) -> None:
    """Print the latest messages of a conversation.

    On a terminal, continue as a chat in the thread that was printed last: a line replies to the
    message that the prompt names, `/new TEXT` starts a thread, Ctrl-D ends the chat. With --root or
    --json, only print.
    """
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        position = (await client.show_conversation(conversation_id)).last_event_id
        root_id = await resolve.root(client, root) if root else None
        threads = await _latest(client, conversation_id, root_id, limit)
        names = await pages.names(client, conversation_id)
        interactive = sys.stdin.isatty() and context.out.on_terminal
        interactive = interactive and not (context.out.json or root_id)
        printer: ThreadPrinter | None = None
        for messages in threads:
            printer = ThreadPrinter(messages[0].root_id, names)
            is_last = messages is threads[-1]
            _print_thread(context, printer, messages, live=interactive and is_last)
        if interactive:
            from rustygpt_tui.commands.chat_loop import ChatLoop  # needs a POSIX terminal

            await ChatLoop(context, client, conversation_id, names, printer).run(position)


async def _latest(
    client: Client, conversation_id: UUID, root_id: UUID | None, limit: int
) -> list[list[MessageView]]:
    """Return the latest messages by thread; the most recently active thread is last."""
    if root_id:
        messages = await _latest_of_thread(client, root_id, limit)
        return [messages] if messages else []
    threads: list[list[MessageView]] = []
    async for thread in pages.threads(client, conversation_id):
        messages = await _latest_of_thread(client, thread.root_id, limit)
        limit -= len(messages)
        if messages:
            threads.insert(0, messages)
        if limit <= 0:
            break
    return threads


async def _latest_of_thread(client: Client, root_id: UUID, limit: int) -> list[MessageView]:
    """Return the latest messages of a thread in the order of `seq`."""
    messages: list[MessageView] = []
    before_seq = END_SEQ
    while len(messages) < limit:
        page = await client.list_messages(
            root_id, before_seq=before_seq, limit=min(limit - len(messages), PAGE_SIZE)
        )
        messages = page.messages + messages
        if page.prev_cursor is None:
            break
        before_seq = page.messages[0].seq
    return messages


def _print_thread(
    context: CommandContext, printer: ThreadPrinter, messages: list[MessageView], *, live: bool
) -> None:
    for message in messages:
        if context.out.json:
            context.out.object(message)
        else:
            context.out.text(printer.add(message, live=live))
