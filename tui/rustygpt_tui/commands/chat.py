"""The command `chat`: print a conversation's messages; on a terminal, continue as a line chat."""

import asyncio
import sys
import threading
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import assert_never
from uuid import UUID

import click

from rustygpt_shared.events import (
    ConversationUpdated,
    ErrorEvent,
    Event,
    MembershipChanged,
    MessageDelta,
    MessageDone,
    MessageNew,
    MessageUpdated,
    PresenceUpdate,
    StreamClosed,
    StreamOpen,
    StreamReset,
    ThreadActivity,
    ThreadNew,
    TypingUpdate,
    UnreadUpdate,
)
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
MAX_INDENT = 10
NEW_THREAD = "/new "


@command("chat")
@click.option("--conversation", metavar="C", required=True, help="The conversation.")
@click.option("--root", metavar="R", help="Only this thread.")
@click.option(
    "--limit", type=click.IntRange(1), default=LIMIT, help=f"Messages at most; default: {LIMIT}."
)
async def chat(context: CommandContext, conversation: str, root: str | None, limit: int) -> None:
    """Print the latest messages of a conversation.

    On a terminal, continue as a chat: a line replies to the last message, `/new TEXT` starts a
    thread, Ctrl-D ends the chat. With --root or --json, only print.
    """
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        position = (await client.show_conversation(conversation_id)).last_event_id
        root_id = await resolve.root(client, root) if root else None
        latest = await _latest(client, conversation_id, root_id, limit)
        for message in latest:
            _print_message(context, message)
        interactive = sys.stdin.isatty() and context.out.on_terminal
        if context.out.json or root_id or not interactive:
            return
        last = latest[-1] if latest else None
        await ChatLoop(context, client, conversation_id, last).run(position)


async def _latest(
    client: Client, conversation_id: UUID, root_id: UUID | None, limit: int
) -> list[MessageView]:
    """Return the latest messages, thread by thread; the most recently active thread is last."""
    if root_id:
        return [m async for m in pages.messages(client, root_id)][-limit:]
    latest: list[MessageView] = []
    async for thread in pages.threads(client, conversation_id):
        messages = [m async for m in pages.messages(client, thread.root_id)]
        latest = messages + latest
        if len(latest) >= limit:
            break
    return latest[-limit:]


def _print_message(context: CommandContext, message: MessageView) -> None:
    if context.out.json:
        context.out.object(message)
        return
    indent = "  " * min(message.depth - 1, MAX_INDENT)
    text = "(deleted)" if message.deleted_at else message.content or "…"
    context.out.text(f"{indent}{_heading(message)}\n")
    context.out.text("".join(f"{indent}{line}\n" for line in text.split("\n")))


def _heading(message: MessageView) -> str:
    author = one_line(message.author_name or message.role)
    return f"── {author}, {format_time(message.created_at)}"


@dataclass
class ChatLoop:
    """A line chat: it prints the messages of others as they arrive and posts each typed line."""

    context: CommandContext
    client: Client
    conversation_id: UUID
    last: MessageView | None
    """The message that the next typed line replies to."""
    answers: dict[UUID, AnswerTracker] = field(default_factory=dict)
    """The answers in progress, by message id."""

    async def run(self, position: str | None) -> None:
        """Run until the input ends or the server ends the stream."""
        following = asyncio.create_task(self._follow_events(position))
        reading = asyncio.create_task(self._read_input())
        done, pending = await asyncio.wait(
            {following, reading}, return_when=asyncio.FIRST_COMPLETED
        )
        for task in pending:
            task.cancel()
        for task in (*done, *pending):
            with suppress(asyncio.CancelledError):
                await task

    async def _read_input(self) -> None:
        lines = _typed_lines()
        while (line := await lines.get()) is not None:
            if text := line.strip():
                await self._post(text)

    async def _post(self, text: str) -> None:
        try:
            request = build_request(PostMessage, content=text.removeprefix(NEW_THREAD))
            if self.last is None or text.startswith(NEW_THREAD):
                await self.client.post_root(self.conversation_id, request)
            else:
                await self.client.reply(self.last.id, request)
        except ClientError as error:
            self.context.out.note(f"Not sent: {error.sentence}")

    async def _follow_events(self, position: str | None) -> None:
        async with aclosing(follow(self.client, self.conversation_id, position)) as items:
            async for item in items:
                if isinstance(item, Disconnected):
                    self.context.out.note(f"{item.reason} Trying again in {item.retry_in:.0f} s.")
                elif not isinstance(item, Connecting | Live):
                    self._on_event(item)

    def _on_event(self, event: Event) -> None:  # noqa: C901 - one case per event
        match event:
            case StreamReset():
                self.context.out.note("Some messages were missed; print them with `rustygpt chat`.")
            case StreamClosed(payload=closed):
                if closed.reason != "shutdown":
                    self.context.out.note(f"The server ended the stream ({closed.reason}).")
            case ErrorEvent(payload=error):
                self.context.out.note(error.message)
            case MessageNew(payload=payload):
                self._on_new_message(payload.message)
            case MessageUpdated() | MessageDelta() | MessageDone():
                pass  # the trackers below read those of answers; edits are not printed
            case ThreadNew() | ThreadActivity() | ConversationUpdated() | MembershipChanged():
                pass
            case UnreadUpdate() | PresenceUpdate() | TypingUpdate() | StreamOpen():
                pass
            case _:
                assert_never(event)
        self._feed_answers(event)

    def _feed_answers(self, event: Event) -> None:
        for message_id, answer in list(self.answers.items()):
            self.context.out.text(answer.feed(event))
            if answer.ended:
                self.context.out.text("\n")
                del self.answers[message_id]

    def _on_new_message(self, message: MessageView) -> None:
        self.last = message
        if message.streaming:
            self.context.out.text(f"{_heading(message)}\n")
            self.answers[message.id] = AnswerTracker(message.id)
        else:
            _print_message(self.context, message)


def _typed_lines() -> asyncio.Queue[str | None]:
    """Return a queue of the lines that are typed; None marks the end of the input.

    A daemon thread reads them, so the process can end while the thread waits. Reading the terminal
    from the event loop would make it non-blocking, also for the shell that started this program.
    """
    loop = asyncio.get_running_loop()
    lines = asyncio.Queue[str | None]()

    def read() -> None:
        with suppress(RuntimeError):  # the loop is already closed
            for line in sys.stdin:
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True).start()
    return lines
