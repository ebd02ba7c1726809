"""The messages of one thread as a plain transcript: one after another, in the order of `seq`.

A message that replies to the one above it stands below it without an indent; another one begins a
branch, is indented, and names the message that it replies to. While an answer streams, later
messages wait, so that two texts are never mixed.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass, field
from uuid import UUID

from rustygpt_shared.events import Event
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.commands.answer_tracker import AnswerTracker
from rustygpt_tui.commands.output import format_time
from rustygpt_tui.render.text import first_words
from rustygpt_tui.store.names import Names

MAX_LEVEL = 10
MAX_KNOWN = 2_000
"""How many printed messages are remembered, to say what a later one replies to."""
MAX_WAITING = 100
MAX_WAITING_TEXT = 1_000_000
"""How many characters of an answer may wait; a longer one is left out."""
_BEGINNING = 200
_WORDS = 60


@dataclass
class Target:
    """A message that the next line may reply to: its author and its first words."""

    name: str
    text: str = ""
    """The beginning of the message."""
    message_id: UUID | None = None
    """None for what begins with a post that the server has not acknowledged yet."""
    fallback: "Target | None" = None
    """What is replied to instead if that post is refused; None once it is acknowledged."""
    is_refused: bool = False

    def append(self, text: str) -> None:
        """Append text of the message, as far as it may be shown."""
        if len(self.text) < _BEGINNING:
            self.text += text[:_BEGINNING]

    def __str__(self) -> str:
        words = first_words(self.text)[:_WORDS]
        return f"{self.name}: {words}" if words else self.name


@dataclass
class _Known:
    """What is remembered of a printed message."""

    target: Target
    level: int
    has_reply: bool = False


@dataclass
class _Waiting:
    """What is printed once the answer in progress has ended."""

    message: MessageView | None
    """None for a note."""
    text: str = ""
    """The note, or the text so far of an answer."""
    answer: AnswerTracker | None = None
    left_out: bool = False


@dataclass
class ThreadPrinter:
    """Turns the messages and events of a thread into the text to print now."""

    root_id: UUID
    names: Names = field(default_factory=Names)
    """The labels of the conversation's participants."""
    max_waiting_text: int = MAX_WAITING_TEXT
    last_seq: int = 0
    """Messages up to this `seq` were printed, or wait."""
    target: Target | None = None
    """The last message that was printed."""
    printed: set[UUID] = field(default_factory=set)
    """Messages that were printed in full; the caller removes those that it has marked as read."""
    print_count: int = 0
    """How many messages were printed, for callers that act on new ones."""
    own: set[UUID] = field(default_factory=set)
    """Messages of this chat, which the user has seen when typing them."""
    _seqs: OrderedDict[UUID, int] = field(default_factory=OrderedDict)
    _known: OrderedDict[UUID, _Known] = field(default_factory=OrderedDict)
    _last_id: UUID | None = None
    _current: _Waiting | None = None
    """The answer in progress that is being printed."""
    _indent: str = ""
    _waiting: deque[_Waiting] = field(default_factory=deque)

    @property
    def open_answers(self) -> list[UUID]:
        """The answers whose text is not complete."""
        items = [self._current, *self._waiting] if self._current else [*self._waiting]
        return [item.answer.answer_id for item in items if item.answer]

    @property
    def progress(self) -> str:
        """What the answer that is printed next is waiting for; empty once it has text."""
        answer = self._current.answer if self._current else None
        return answer.progress if answer else ""

    def seq_of(self, message_id: UUID | None) -> int | None:
        """Return the `seq` of a message that was printed or waits, or None."""
        return self._seqs.get(message_id) if message_id else None

    def add(self, message: MessageView, *, live: bool = True) -> str:
        """Add a message, unless it was added before; `live` follows an answer in progress."""
        if message.seq <= self.last_seq:
            return ""
        self.last_seq = self._seqs[message.id] = message.seq
        if len(self._seqs) > MAX_KNOWN:
            self._seqs.popitem(last=False)
        if message.id in self.own:
            self.own.discard(message.id)
            self._remember(message)
            self._on_printed(message)
            return ""
        item = _Waiting(message)
        if message.streaming and live:
            item.answer = AnswerTracker(message.id)
            item.text = item.answer.catch_up(message)
        return self._add(item)

    def note(self, text: str) -> str:
        """Add a line that is no message."""
        return self._add(_Waiting(None, f"{text}\n"))

    def feed(self, event: Event) -> str:
        """Return the new text that an event brings of the answers in progress."""
        for item in self._waiting:
            if item.answer:
                item.text += item.answer.feed(event)
                item.left_out = item.left_out or len(item.text) > self.max_waiting_text
                item.text = "" if item.left_out else item.text
        if self._current is None or self._current.answer is None:
            return ""
        text = self._continue(self._current, self._current.answer.feed(event))
        return text + self._end_current()

    def _add(self, item: _Waiting) -> str:
        if self._current is None:
            return self._begin(item)
        if len(self._waiting) >= MAX_WAITING:
            self._waiting.popleft()
            self._waiting.appendleft(_Waiting(None, "(Some messages were left out.)\n"))
            return ""
        self._waiting.append(item)
        return ""

    def _begin(self, item: _Waiting) -> str:
        """Return the text of an item, or its beginning if it is an answer in progress."""
        if item.message is None:
            return item.text
        heading = self._heading(item.message)
        if item.answer is None:
            content = self._text_of(item.message) or "…"
            self._on_printed(item.message)
            return heading + self._continue(item, content) + "\n"
        self._current = item
        if item.left_out:
            item.text = "(This answer is too long to wait; see the thread.)"
        return heading + self._continue(item, item.text) + self._end_current()

    def _continue(self, item: _Waiting, text: str) -> str:
        """Return more text of the message that is being printed."""
        if self.target and item.answer and self.target.message_id == item.answer.answer_id:
            self.target.append(text)
        return text.replace("\n", f"\n{self._indent}")

    def _end_current(self) -> str:
        """If the answer has ended, return the end of its text and what waited for it."""
        if not (self._current and self._current.answer and self._current.answer.ended):
            return ""
        failure = self._current.answer.failure
        if self._current.message and not self._current.left_out:
            self._on_printed(self._current.message)
        self._current = None
        text = f"\n{self._indent}({failure})\n" if failure else "\n"
        while self._waiting and self._current is None:
            text += self._begin(self._waiting.popleft())
        return text

    def _text_of(self, message: MessageView) -> str:
        """Return the text to print of a message that is not an answer in progress."""
        return f"({self.names.deletion(message)})" if message.deleted_at else message.content

    def _on_printed(self, message: MessageView) -> None:
        self.printed.add(message.id)
        self.print_count += 1

    def _heading(self, message: MessageView) -> str:
        """Return the line above a message, and the indent of its first line."""
        parent = self._known.get(message.parent_id) if message.parent_id else None
        is_branch = self._last_id is not None and message.parent_id not in (None, self._last_id)
        known = self._remember(message)
        self.target = known.target
        self._indent = "  " * known.level
        reference = f" ↳ to {parent.target if parent else 'an earlier message'}"
        edited = " (edited)" if message.edited_at and not message.deleted_at else ""
        time = f"{format_time(message.created_at)}{edited}"
        line = f"{self._indent}── {known.target.name}, {time}"
        return f"{line}{reference if is_branch else ''}\n{self._indent}"

    def _remember(self, message: MessageView) -> _Known:
        """Remember a printed message; a second reply to the same message begins a branch."""
        parent = self._known.get(message.parent_id) if message.parent_id else None
        level = parent.level + parent.has_reply if parent else 0
        if parent:
            parent.has_reply = True
        target = Target(one_line(self.names.author(message)), message_id=message.id)
        if not message.streaming:
            target.append(self._text_of(message))
        known = _Known(target, min(level, MAX_LEVEL))
        self._known[message.id] = known
        self._last_id = message.id
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)
        return known
