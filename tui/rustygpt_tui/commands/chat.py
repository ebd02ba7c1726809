"""chat: print a conversation's messages; on a terminal, go on as a plain chat, line by line."""

import asyncio
import sys
import threading
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from uuid import UUID

import click

from rustygpt_shared.events import ErrorEvent, Event, MessageNew, StreamClosed, StreamReset
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.requests import PostMessage
from rustygpt_tui.client.feed import Connecting, Disconnected, Live, follow
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.answer_tracker import AnswerTracker
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request
from rustygpt_tui.commands.output import format_time
from rustygpt_tui.errors import ClientError

LIMIT = 50
NEW = "/new "


@command("chat")
@click.option("--conversation", metavar="C", required=True, help="The conversation.")
@click.option("--root", metavar="R", help="Only this thread.")
@click.option("--limit", type=click.IntRange(1), default=LIMIT, help=f"Default: {LIMIT}.")
async def chat(context: CommandContext, conversation: str, root: str | None, limit: int) -> None:
    """Print the latest messages of a conversation.

    On a terminal it goes on as a chat: a line answers the last message, `/new TEXT` starts a
    thread, Ctrl-D ends it. --root or --json only print.
    """
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        position = (await client.show_conversation(conversation_id)).last_event_id
        root_id = await resolve.root(client, root) if root else None
        known = await _latest(client, conversation_id, root_id, limit)
        for message in known:
            _show(context, message)
        if context.out.json or root_id or not (sys.stdin.isatty() and context.out.on_terminal):
            return
        await ChatLoop(context, client, conversation_id, known[-1] if known else None).run(position)


async def _latest(
    client: Client, conversation_id: UUID, root_id: UUID | None, limit: int
) -> list[MessageView]:
    """The latest messages, thread by thread, the liveliest thread last."""
    if root_id:
        return [m async for m in pages.messages(client, root_id)][-limit:]
    found: list[MessageView] = []
    async for thread in pages.threads(client, conversation_id):
        full_thread = [m async for m in pages.messages(client, thread.root_id)]
        found = full_thread + found
        if len(found) >= limit:
            break
    return found[-limit:]


def _show(context: CommandContext, message: MessageView) -> None:
    if context.out.json:
        context.out.object(message)
        return
    indent = "  " * min(message.depth - 1, 10)
    text = "(deleted)" if message.deleted_at else message.content or "…"
    context.out.text(f"{indent}{_heading(message)}\n")
    context.out.text("".join(f"{indent}{line}\n" for line in text.split("\n")))


def _heading(message: MessageView) -> str:
    author = one_line(message.author_name or message.role)
    return f"── {author}, {format_time(message.created_at)}"


@dataclass
class ChatLoop:
    """A plain chat: what others write is printed as it comes, and each line typed is posted."""

    context: CommandContext
    client: Client
    conversation_id: UUID
    last: MessageView | None
    """The message that the next line answers."""
    answers: dict[UUID, AnswerTracker] = field(default_factory=dict)

    async def run(self, position: str | None) -> None:
        """Until the input ends or the server ends the stream."""
        listening = asyncio.create_task(self._follow_events(position))
        typing = asyncio.create_task(self._read_input())
        done, pending = await asyncio.wait({listening, typing}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for task in (*done, *pending):
            with suppress(asyncio.CancelledError):
                await task

    async def _read_input(self) -> None:
        lines = _typed_lines()
        while (line := await lines.get()) is not None:
            if not (text := line.strip()):
                continue
            new = text.startswith(NEW)
            try:
                request = build_request(PostMessage, content=text.removeprefix(NEW))
                if self.last is None or new:
                    await self.client.post_root(self.conversation_id, request)
                else:
                    await self.client.reply(self.last.id, request)
            except ClientError as failure:
                self.context.out.note(f"Not sent: {failure.sentence}")

    async def _follow_events(self, position: str | None) -> None:
        async with aclosing(follow(self.client, self.conversation_id, position)) as items:
            async for item in items:
                if isinstance(item, Disconnected):
                    self.context.out.note(f"{item.reason} Trying again in {item.retry_in:.0f} s.")
                elif not isinstance(item, Connecting | Live):
                    self._on_event(item)

    def _on_event(self, event: Event) -> None:
        match event:
            case StreamReset():
                self.context.out.note("Some messages were missed; see them with `rustygpt chat`.")
            case StreamClosed(payload=closing) if closing.reason != "shutdown":
                self.context.out.note(f"The server ended the stream ({closing.reason}).")
            case ErrorEvent(payload=trouble):
                self.context.out.note(trouble.message)
            case MessageNew(payload=shown):
                self._on_new_message(shown.message)
        for message_id, answer in list(self.answers.items()):
            self.context.out.text("".join(answer.feed(event)))
            if answer.ended:
                self.context.out.text("\n")
                del self.answers[message_id]

    def _on_new_message(self, message: MessageView) -> None:
        self.last = message
        if message.streaming and message.parent_id:
            self.context.out.text(f"{_heading(message)}\n")
            self.answers[message.id] = AnswerTracker(message.parent_id, message)
        else:
            _show(self.context, message)


def _typed_lines() -> asyncio.Queue[str | None]:
    """Lines as they are typed, and None at the end; the waiting is a thread's, which dies with us.

    Reading the terminal from the loop would make it non-blocking, for the shell behind us as well.
    """
    loop, lines = asyncio.get_running_loop(), asyncio.Queue[str | None]()

    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    return lines
