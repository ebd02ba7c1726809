"""A terminal chat on a fake server, and an independent record of what was on its screen.

The record is read off the composed screen: every message of another user begins and ends with a
mark that is unique, and was seen when both were on screen while the user could look at it.
"""

import asyncio
import re
import time
from dataclasses import dataclass, field
from uuid import UUID

from tests.support.fakes.fake_chat_server import FakeChatServer
from tests.support.fakes.fake_conversation import ME, START, FakeConversation, person_id
from tests.tui.app_driver import AppDriver
from textual import events

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.screens.main import MainScreen
from rustygpt_tui.store.reading import Reading

MOMENT = 0.05
AUTHORS = (person_id(1), person_id(2), person_id(1), ME)
SIZES = ((100, 30), (100, 14), (60, 24), (120, 18))
KEYS = {
    "page_down": "pagedown",
    "page_up": "pageup",
    "home": "g",
    "end": "G",
    "down": "j",
    "up": "k",
    "fold": "o",
}
_BACKGROUND = {"stream", "heartbeat"}
_MARK = re.compile(r"«(\d+)|(\d+)»")


def two_threads() -> FakeConversation:
    """Return a conversation of three people with two threads that begin with own messages."""
    conversation = FakeConversation(page_size=12)
    for person in AUTHORS[:2]:
        conversation.add(person, "member")
    for _ in range(2):
        root = conversation.post(text="an own root", author=ME)
        for _ in range(6):
            conversation.post(root, text="an own reply", author=ME)
    return conversation


def post_anywhere(chat: FakeChatServer, first: int, second: int) -> None:
    """Post a reply to any message of a thread; some are taller than the screen."""
    server = chat.conversation
    root = list(server.threads)[first % 2]
    messages = [m for m in server.messages.values() if m.root_id == root]
    number = server.ticks + 1
    text = f"«{number} " + "\n\nmore" * (40 if second % 7 == 6 else second % 3) + f" {number}»"
    author = AUTHORS[(first + second) % len(AUTHORS)]
    server.post(messages[second % len(messages)].id, text=text, author=author)
    chat.route_messages()


@dataclass
class Record:
    """What was on screen, as far as the screen shows."""

    ends: set[tuple[int, bool]] = field(default_factory=set)
    """The first (False) and last (True) rows that were on screen, by the number of a message."""

    def has(self, number: int) -> bool:
        """Return whether both ends of a message were on screen."""
        return {(number, False), (number, True)} <= self.ends

    def forget(self, numbers: set[int]) -> None:
        """Forget messages that became unread again."""
        self.ends = {end for end in self.ends if end[0] not in numbers}


class ReadingScreen:
    """The chat, its server, and the record."""

    def __init__(self, chat: FakeChatServer, driver: AppDriver) -> None:
        self.chat = chat
        self.server: FakeConversation = chat.conversation
        self.driver = driver
        self.main: MainScreen = driver.main
        self.roots = list(self.server.threads)
        self.certain = Record()
        """What was on screen for long enough since the thread was opened."""
        self.possible = Record()
        """What may have been on screen for long enough."""
        self.seen: set[int] = set()
        """The messages that are read because they were on screen."""
        self.is_tracking = True
        self.is_focused = True
        self.is_covered = False
        self.opened: UUID | None = None

    # Steps

    async def run(self, name: str, first: int, second: int) -> None:
        """Perform a step, wait until nothing goes on, and check the law."""
        if name in KEYS:
            await self.press(KEYS[name])
        else:
            await getattr(self, name)(first, second)
        await self.settle()
        self.check()

    async def press(self, key: str) -> None:
        """Press a key in the messages, if the user is there."""
        if self.is_focused:
            self.main.focus_messages()
            await self.driver.pilot.press(key)

    async def post(self, first: int, second: int) -> None:
        """Somebody posts a reply anywhere; some are taller than the screen."""
        post_anywhere(self.chat, first, second)

    async def begin_answer(self, first: int, second: int) -> None:
        """The assistant begins an answer anywhere."""
        messages = self._of(self.roots[first % 2])
        number = self.server.ticks + 1
        answer = self.server.post(messages[second % len(messages)].id, role="assistant")
        self.chat.route_messages()
        self.server.stream_text(answer, f"«{number} " + "\n\nmore" * (second % 4))

    async def end_answer(self, first: int, second: int) -> None:
        """An answer ends."""
        running = [m.id for m in self.server.messages.values() if m.streaming]
        if running:
            answer = running[first % len(running)]
            self.server.stream_text(answer, f" {_number(answer)}»")
            self.server.finish(answer)

    async def delete(self, first: int, second: int) -> None:
        """Somebody deletes a message."""
        others = [m for m in self._of(self.roots[first % 2]) if _is_others(m) and not m.streaming]
        if others:
            self.server.change(others[second % len(others)].id, content="", deleted_at=START)

    async def switch(self, first: int, second: int) -> None:
        """Open a thread; the divider is above its first unread message."""
        if self.is_focused:
            root = self.roots[first % 2]
            before = self._unread(root)
            self.main.open_thread(root)
            self.reopened()
            await self.driver.until(lambda: not self.driver.is_loading)
            unread = sorted((m for m in before if self._is_surely_unread(m)), key=_path)
            if len(unread) == len(before):
                divider = self.main.thread_pane._messages.reading.divider
                assert divider == (unread[0].id if unread else None)

    def reopened(self) -> None:
        """Note that a thread is opened: what is on screen counts from now on."""
        self.certain = Record()
        self.is_tracking = True

    async def blur(self, first: int, second: int) -> None:
        """The terminal loses the focus."""
        await self.settle()
        self.driver.app.post_message(events.AppBlur())
        await self.driver.until(lambda: not self.driver.app.app_focus)
        self.is_focused = False

    async def focus(self, first: int, second: int) -> None:
        """The terminal gets the focus."""
        self.is_focused = True
        self.driver.app.post_message(events.AppFocus())
        await self.driver.until(lambda: self.driver.app.app_focus)

    async def dialog(self, first: int, second: int) -> None:
        """A dialog covers the messages while somebody posts."""
        if not self.is_focused:
            return
        await self.driver.pilot.press("f1")
        await self.driver.until(lambda: self.driver.app.screen is not self.main)
        self.is_covered = True
        await self.post(first, second)
        await self.settle()
        self.check()
        self.is_covered = False
        await self.driver.pilot.press("escape")
        await self.driver.until(lambda: self.driver.app.screen is self.main)

    async def resize(self, first: int, second: int) -> None:
        """The terminal gets another size."""
        await self.driver.pilot.resize_terminal(*SIZES[first % len(SIZES)])

    async def cut(self, first: int, second: int) -> None:
        """The stream breaks, somebody posts, and it is opened again."""
        streams = self.chat.streams
        self.chat.cut_streams()
        await self.post(first, second)
        await self.driver.until(lambda: self.chat.streams > streams)

    async def read_elsewhere(self, first: int, second: int) -> None:
        """Another device of the user moves the mark forward."""
        root = self.roots[first % 2]
        self.server.mark_read(root, self.server.read_seqs[root] + second % 5)

    async def unread_elsewhere(self, first: int, second: int) -> None:
        """Another device of the user marks messages as unread."""
        root = self.roots[first % 2]
        messages = self._of(root)
        message = messages[second % len(messages)]
        if message.seq <= self.server.read_seqs[root]:
            self._back(root, message.seq)
            self.server.mark_unread(root, message.id)

    async def mark_read(self, first: int, second: int) -> None:
        """The user marks the open thread as read."""
        if self.is_focused and self._root is not None:
            await self.press("m")
            self.is_tracking = True
            last = max(m.seq for m in self._of(self._root))
            await self.driver.until(lambda: self.server.read_seqs[self._root] == last)

    async def mark_unread(self, first: int, second: int) -> None:
        """The user marks the selected message, and all later ones, as unread."""
        entry = self.main.thread_pane.transcript.selected_or_lowest()
        if self.is_focused and self._root is not None and entry is not None:
            self._back(self._root, entry.message.seq)
            self.is_tracking = False
            await self.press("U")

    async def next_unread(self, first: int, second: int) -> None:
        """The key for the next unread message, pressed again and again, comes to an end."""
        if not self.is_focused:
            return
        limit = 4 + sum(len(self._unread(root)) for root in self.roots)
        for _ in range(limit):
            started_at = time.time()
            before = self._root
            await self.press("n")
            await self.driver.until(lambda: not self._busy())
            if self._root != before:
                self.reopened()
            sentences = [n for n in self.driver.app._notifications if n.raised_at >= started_at]
            if any("unread" in n.message for n in sentences):
                return
            await self.settle()
        raise AssertionError("the walk over unread messages does not end")

    # Quiet

    async def settle(self) -> None:
        """Wait until nothing goes on, noting what is on screen meanwhile."""
        calm = 0
        async with asyncio.timeout(60):
            while calm < 3:
                await self.driver.pilot.pause(0.01)
                self._note(self.possible)
                calm = calm + 1 if self._is_quiet() else 0
        if self._is_watching:
            self._note(self.certain)

    def _busy(self) -> bool:
        return any(w.is_running and w.group not in _BACKGROUND for w in self.driver.app.workers)

    def _is_quiet(self) -> bool:
        pane = self.main.thread_pane
        session = self._session
        refresh = self.main.controller._live._session_refresh
        return (
            session.position == self.server.position
            and session._timer is None
            and not self._busy()
            and not pane.is_loading
            and pane._watch_timer is None
            and not pane.transcript._change_reported
            and all(w._message_queue.empty() for w in (self.main, pane, pane.transcript))
            and (refresh is None or refresh.done())
            and all(
                self._reading(root).read_seq == self.server.read_seqs[root] for root in self.roots
            )
        )

    @property
    def _marks(self) -> dict[UUID, int]:
        return {root: self._reading(root).read_seq for root in self.roots}

    # What is on screen

    @property
    def _is_watching(self) -> bool:
        return self.is_focused and not self.is_covered and self.is_tracking

    def _note(self, record: Record) -> None:
        """Note which ends of messages are on screen, if the user can look at them."""
        if not self._is_watching or self.driver.app.screen is not self.main:
            return
        for number, is_end in self._ends_on_screen():
            message = self.server.messages.get(UUID(int=1_000 + number))
            if message is None or message.streaming:
                continue
            record.ends.add((number, is_end))
            if record.has(number) and record is self.certain:
                self.seen.add(number)

    def _ends_on_screen(self) -> list[tuple[int, bool]]:
        """Return the marks in the rows of the transcript, without those in quotes."""
        region = self.main.thread_pane.transcript.region
        strips = self.main._compositor.render_strips()[region.y : region.bottom]
        found = []
        for strip in strips:
            text = strip.text[region.x : region.right].partition("↳")[0]
            marks = _MARK.finditer(text)
            found.extend((int(mark[1] or mark[2]), mark[2] is not None) for mark in marks)
        return found

    def _back(self, root: UUID, seq: int) -> None:
        """Note that messages from a `seq` on are unread again."""
        numbers = {_number(m.id) for m in self._of(root) if m.seq >= seq}
        self.seen -= numbers
        self.possible.forget(numbers)
        if root == self._root:
            self.certain = Record()

    # The law

    def check(self) -> None:
        """Compare what the chat calls unread with the record."""
        for root in self.roots:
            unread = self._unread(root)
            surely = [m for m in unread if self._is_surely_unread(m)]
            count = self._session.loaded_state.unread(root)
            assert len(surely) <= count <= len(unread), (
                f"{root == self._root} {[_number(m.id) for m in surely]} "
                f"{[_number(m.id) for m in unread]} {self._reading(root)}"
            )
            if root == self._root and self._reading(root).is_complete:
                unseen = {m.id for m in self._reading(root).unseen}
                assert {m.id for m in surely} <= unseen <= {m.id for m in unread}
        self._check_pills()

    def _check_pills(self) -> None:
        """What is unread above or below the view is announced."""
        if self._root is None or self.is_covered:
            return
        paths = sorted(
            self.server.messages[UUID(int=1_000 + number)].path
            for number, _ in self._ends_on_screen()
        )
        region = self.main.thread_pane.transcript.region
        if not paths or region.height < 6:
            return
        rows = self.main._compositor.render_strips()[region.y : region.bottom]
        ordered = sorted(m.path for m in self._of(self._root))
        above = ordered[: max(0, ordered.index(paths[0]) - region.height)]
        surely = {m.path for m in self._unread(self._root) if self._is_surely_unread(m)}
        if surely & set(above):
            assert "↑" in rows[0].text

    def _unread(self, root: UUID) -> list[MessageView]:
        """Return the messages that may be unread."""
        return [m for m in self.server.unread(root) if _number(m.id) not in self.seen]

    def _is_surely_unread(self, message: MessageView) -> bool:
        return not self.possible.has(_number(message.id))

    @property
    def _root(self) -> UUID | None:
        return self.main.thread_pane.root

    @property
    def _session(self) -> ConversationSession:
        session = self.main.controller.session
        assert session is not None
        return session

    def _reading(self, root: UUID) -> Reading:
        return self._session.loaded_state.readings.get(root, Reading())

    def _of(self, root: UUID) -> list[MessageView]:
        return [m for m in self.server.messages.values() if m.root_id == root]


def _number(message_id: UUID) -> int:
    return message_id.int - 1_000


def _path(message: MessageView) -> str:
    return message.path


def _is_others(message: MessageView) -> bool:
    return message.author_user_id != ME
