"""The line chat that follows the output of `chat` on a terminal: one thread, as messages arrive.

The chat stays in its thread. The prompt shows which message the next line replies to; from the
first character on an arriving message does not change that. Lines in a row alternate with the
answers to them: each one replies to the answer of the line before, however late that is printed.
"""

import asyncio
import os
import signal
import sys
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from uuid import UUID

from rustygpt_shared.events import (
    Event,
    MembershipChanged,
    MessageNew,
    MessageUpdated,
    MessageUpdatedPayload,
    StreamClosed,
    StreamReset,
)
from rustygpt_shared.models.messages import MessageView, PostedMessage
from rustygpt_shared.requests import PostMessage
from rustygpt_tui.client.feed import Connecting, Disconnected, Live, follow
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.polling import Polling
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.client.transport import new_key
from rustygpt_tui.commands import pages
from rustygpt_tui.commands.base import CommandContext
from rustygpt_tui.commands.chat_screen import ChatScreen
from rustygpt_tui.commands.chat_thread import Target, ThreadPrinter
from rustygpt_tui.commands.inputs import build_request
from rustygpt_tui.commands.output import NO_STREAMS, retry_text
from rustygpt_tui.commands.read_marks import ReadMarks
from rustygpt_tui.commands.terminal_input import KeyParser, TypedLine, TypingMode
from rustygpt_tui.errors import ClientError, RateLimited, ServerError, TimedOut, Unreachable
from rustygpt_tui.render.text import strip_markdown
from rustygpt_tui.store.names import Names

NEW_THREAD = "/new "
PAGE_SIZE = 200
MARK_DELAY = 0.5
MAX_BACKOFF = 30.0
_DEFAULT_COLUMNS = 80
_READ_BYTES = 65_536


@dataclass(frozen=True)
class Post:
    """A line that was sent: text, target and key stay the same until the server acknowledges it."""

    request: PostMessage
    target: Target | None
    """The message that it replies to; None starts a thread."""
    own: Target
    """What the next line may reply to: the answer that this post starts, else its message."""
    key: str


@dataclass
class ChatLoop:
    """A line chat in one thread of a conversation."""

    context: CommandContext
    client: Client
    conversation_id: UUID
    names: Names
    """The labels of the conversation's participants."""
    printer: ThreadPrinter | None
    """The thread that the chat is in; None until the first one is started."""
    target: Target | None = None
    """What the next line replies to, unless one is being typed."""
    _line: TypedLine = field(default_factory=TypedLine)
    _frozen: Target | None = None
    """What the line that is being typed replies to."""
    _announced: set[UUID] = field(default_factory=set)
    """Other threads that were announced since the last line."""
    _posts: asyncio.Queue[Post | None] = field(default_factory=asyncio.Queue)
    _is_ending: bool = False
    _exchange: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a post is sent and while an event is handled: an own message is known by its id
    before its event is handled."""
    _unacknowledged: Post | None = None
    """The post that is being sent."""
    _me: UUID | None = None
    _marking: asyncio.Task[None] | None = None
    _marked_count: int = 0
    """The printer's count when marking began last."""

    def __post_init__(self) -> None:
        self.screen = ChatScreen(_write, _columns)
        self.marks = ReadMarks(self.client)
        self.target = self.printer.target if self.printer else None

    async def run(self, position: str | None) -> None:
        """Run until the input ends or the server ends the stream."""
        with suppress(ClientError):
            self._me = (await self.client.me()).user.id
        self.client.on_wait = lambda text, _: self._note(text)
        loop = asyncio.get_running_loop()
        fd = sys.stdin.fileno()
        keys = KeyParser()
        with TypingMode(fd, _write, self.screen.redraw):
            loop.add_reader(fd, self._on_input, fd, keys)
            loop.add_signal_handler(signal.SIGWINCH, self.screen.resize)
            try:
                self._show_prompt()
                self._mark_soon()
                await self._run_tasks(position)
            finally:
                loop.remove_signal_handler(signal.SIGWINCH)
                loop.remove_reader(fd)
                self.screen.close()

    async def _run_tasks(self, position: str | None) -> None:
        following = asyncio.create_task(self._follow_events(position))
        sending = asyncio.create_task(self._send_posts())
        try:
            await asyncio.wait({following, sending}, return_when=asyncio.FIRST_COMPLETED)
            if self._marking and not self._marking.done():
                await asyncio.wait({self._marking}, timeout=2 * MARK_DELAY)
        finally:
            tasks = [task for task in (following, sending, self._marking) if task]
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    # Typing

    def _on_input(self, fd: int, keys: KeyParser) -> None:
        """Handle what the terminal has to read; the end of the input ends the chat."""
        data = b""
        with suppress(OSError):
            data = os.read(fd, _READ_BYTES)
        if not data:
            asyncio.get_running_loop().remove_reader(fd)
            self._end()
        for key in keys.feed(data):
            if key.kind == "end":
                if not self._line.text:
                    self._end()
            elif key.kind == "enter":
                self._on_enter()
            else:
                self._line.apply(key)
                if not self._line.text:
                    self._frozen = None
                elif self._frozen is None:
                    self._frozen = self.target
            self._show_prompt()

    def _on_enter(self) -> None:
        """Send the typed line, to the target that the prompt shows."""
        content = self._line.text.removeprefix(NEW_THREAD if self._is_command else "")
        if not content.strip():
            return
        fallback = self.target if self._is_command else self._frozen
        target = None if self._is_command else self._frozen
        try:
            request = build_request(PostMessage, content=content)
        except ClientError as error:
            self._note(f"Not sent: {error.sentence}")
            return
        self.screen.commit()
        own = Target("you", content, fallback=fallback)
        self._line, self._frozen, self.target = TypedLine(), None, own
        self._announced.clear()
        self._posts.put_nowait(Post(request, target, own, new_key()))

    def _end(self) -> None:
        self._is_ending = True
        self._posts.put_nowait(None)

    @property
    def _is_command(self) -> bool:
        return self._line.text.startswith(NEW_THREAD) and not self._line.is_pasted

    @property
    def _starts_thread(self) -> bool:
        target = self._frozen if self._line.text else self.target
        return self._is_command or target is None

    def _show_prompt(self) -> None:
        target = self._frozen if self._line.text else self.target
        label = "↳ new thread" if self._starts_thread else f"↳ to {target}"
        progress = self.printer.progress if self.printer else ""
        self.screen.show(f"({progress}) {label}" if progress else label, self._line.text)

    def _print(self, text: str) -> None:
        self.screen.write(text)
        self._follow_printed()
        self._show_prompt()

    def _follow_printed(self) -> None:
        """Let the next line reply to the message that was printed last.

        Unless it replies to a later one: answers wait for each other, and what a post starts may
        not be printed yet.
        """
        printed = self.printer.target if self.printer else None
        if self.printer is None or printed is None:
            return
        if self._frozen and self._frozen.message_id == printed.message_id:
            self._frozen = printed
        seq, printed_seq = (
            self.printer.seq_of(target.message_id) if target else 0
            for target in (self.target, printed)
        )
        if seq is not None and printed_seq is not None and seq <= printed_seq:
            self.target = printed

    def _note(self, text: str) -> None:
        with self.screen.suspended():
            self.context.out.note(text)

    # Posting

    async def _send_posts(self) -> None:
        while (post := await self._posts.get()) is not None:
            await self._send(post)

    async def _send(self, post: Post) -> None:
        """Send a post until the server has answered; a repeated one is the same to the server."""
        if post.target and post.target.message_id is None:
            self._on_refused(post, "The message that it replies to was not sent.")
            return
        self._unacknowledged = post
        delay = 1.0
        while True:
            try:
                async with self._exchange:
                    self._on_posted(post, await self._post(post))
                return
            except (Unreachable, TimedOut, RateLimited, ServerError) as error:
                delay = error.retry_after or delay
                # A limit ends in time, so that lines which were pasted before Ctrl-D are sent.
                if self._is_ending and not (isinstance(error, RateLimited) and delay < MAX_BACKOFF):
                    self._on_refused(post, error.sentence)
                    return
                delay = min(delay, MAX_BACKOFF)
                reason = error.sentence.partition(";")[0].rstrip(".")
                self._note(f"Not sent yet: {reason}. {retry_text(delay)}")
            except ClientError as error:
                self._on_refused(post, error.sentence)
                return
            await asyncio.sleep(delay)
            delay = min(2 * delay, MAX_BACKOFF)

    async def _post(self, post: Post) -> PostedMessage:
        if post.target and post.target.message_id:
            return await self.client.reply(
                post.target.message_id, post.request, key=post.key, may_wait=False
            )
        return await self.client.post_root(
            self.conversation_id, post.request, key=post.key, may_wait=False
        )

    def _on_posted(self, post: Post, posted: PostedMessage) -> None:
        self._unacknowledged = None
        post.own.message_id, post.own.fallback = posted.answer_id or posted.message_id, None
        if posted.answer_id:
            post.own.name = "the answer to"
        if self.printer is None or posted.root_id != self.printer.root_id:
            if self.printer and self.printer.open_answers:
                self._note("(The answer continues in the thread before.)")
            self.printer = ThreadPrinter(posted.root_id, self.names)
            self._marked_count = 0
        if self.printer.seq_of(posted.message_id) is None:
            self.printer.own.add(posted.message_id)
        self._follow_printed()
        self._show_prompt()

    def _on_refused(self, post: Post, reason: str) -> None:
        """Report a post, and let what is typed from now on reply to what it replied to.

        Lines that were sent after it and reply to it are refused in turn.
        """
        self._unacknowledged = None
        self._note(f"Not sent: {reason} (It was: {post.own})")
        post.own.is_refused = True
        self.target, self._frozen = _not_refused(self.target), _not_refused(self._frozen)
        self._show_prompt()

    # Events

    async def _follow_events(self, position: str | None) -> None:
        async with aclosing(follow(self.client, self.conversation_id, position)) as items:
            async for item in items:
                if isinstance(item, Disconnected):
                    self._note(f"{item.reason} {retry_text(item.retry_in)}")
                elif isinstance(item, Polling):
                    self._note(NO_STREAMS)
                elif not isinstance(item, Connecting | Live):
                    async with self._exchange:
                        await self._on_event(item)

    async def _on_event(self, event: Event) -> None:
        if isinstance(event, StreamReset):
            await self._reload()
        elif isinstance(event, StreamClosed) and event.payload.reason != "shutdown":
            self._note(f"The server ended the stream ({event.payload.reason}).")
        elif isinstance(event, MembershipChanged):
            await self._fetch_names()
        elif isinstance(event, MessageNew):
            self._on_message(event.payload.message)
        if self.printer:
            self._print(self.printer.feed(event))
            self._mark_soon()

    def _on_message(self, message: MessageView) -> None:
        """Print a message of the chat's thread; announce another thread in one line."""
        is_own = self._me is not None and message.author_user_id == self._me
        if self.printer and message.root_id == self.printer.root_id:
            if is_own and self._is_unacknowledged(message):
                self.printer.own.add(message.id)
            self._print(self.printer.add(message))
            return
        if is_own or message.role == "assistant" or message.root_id in self._announced:
            return
        self._announced.add(message.root_id)
        action = "started a thread" if message.depth == 1 else "wrote in another thread"
        text = one_line(
            f"({self.names.author(message)} {action}: {strip_markdown(message.content[:100])})"
        )
        self.screen.write(self.printer.note(text) if self.printer else f"{text}\n")

    async def _fetch_names(self) -> None:
        """Fetch the labels: one more person may have the name of another."""
        self.names = await pages.names(self.client, self.conversation_id)
        if self.printer:
            self.printer.names = self.names

    def _is_unacknowledged(self, message: MessageView) -> bool:
        """Return True for the post that is being sent, if the response to it was lost."""
        post = self._unacknowledged
        return (
            post is not None
            and post.target is not None
            and post.target.message_id == message.parent_id
            and post.request.content == message.content
        )

    async def _reload(self) -> None:
        """Print what the stream could not send, and say so if it is more than one page."""
        if self.printer is None:
            return
        try:
            page = await self.client.list_messages(
                self.printer.root_id, after_seq=self.printer.last_seq, limit=PAGE_SIZE
            )
            for message in page.messages:
                self._print(self.printer.add(message))
            for message_id in self.printer.open_answers:
                answer = await self.client.get_message(message_id)
                self._print(self.printer.feed(MessageUpdated(MessageUpdatedPayload(answer))))
        except ClientError as error:
            self._note(error.sentence)
            return
        if page.next_cursor:
            self._note("Some messages were missed; print them with `rustygpt chat`.")

    # Read markers

    def _mark_soon(self) -> None:
        """Mark what was printed as read, after a moment."""
        is_marking = self._marking is not None and not self._marking.done()
        if self.printer and self.printer.print_count > self._marked_count and not is_marking:
            self._marking = asyncio.create_task(self._mark(self.printer))

    async def _mark(self, printer: ThreadPrinter) -> None:
        while self.printer is printer and printer.print_count > self._marked_count:
            await asyncio.sleep(MARK_DELAY)
            self._marked_count = printer.print_count
            await self.marks.mark(printer.root_id, printer.printed)


def _not_refused(target: Target | None) -> Target | None:
    """Return the target, or what is replied to instead of one that was refused."""
    while target and target.is_refused:
        target = target.fallback
    return target


def _write(text: str) -> None:
    """Write to the terminal without a buffer: a signal's handler writes, too, at any moment."""
    data = text.encode("utf-8", "replace")
    while data:
        data = data[os.write(sys.stdout.fileno(), data) :]


def _columns() -> int:
    with suppress(OSError):
        return os.get_terminal_size(sys.stdout.fileno()).columns or _DEFAULT_COLUMNS
    return _DEFAULT_COLUMNS
