"""A model of reading on the store: events, pages and marks in any interleaving.

A server in memory is changed at random; its events, its pages and its responses reach the state
late and in any order that a stream and separate requests allow; only the responses that tell marks
arrive before the mark is moved again. When all of it has arrived, what the state calls unread is
compared with a naive record.
"""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.fakes.fake_conversation import (
    CONVERSATION_ID,
    ME,
    START,
    FakeConversation,
    person_id,
)

from rustygpt_shared.ids import event_number
from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.store.apply import apply, with_reading
from rustygpt_tui.store.load import load, with_ahead, with_mark_result, with_tree, with_unread
from rustygpt_tui.store.reading import Reading, with_seen
from rustygpt_tui.store.state import State

AUTHORS = (ME, person_id(1), person_id(2), person_id(1))
THREADS = 2


class Step(NamedTuple):
    """One step: its name, and numbers that choose among what there is then."""

    name: str
    first: int
    second: int


WEIGHTS = {
    "post": 5,
    "deliver": 4,
    "see": 4,
    "move": 3,
    "request_ahead": 3,
    "receive": 3,
    "request_tree": 1,
    "delete": 1,
    "restore": 1,
    "read_elsewhere": 1,
    "unread_elsewhere": 1,
    "lose_stream": 1,
}
NAMES = [name for name, weight in WEIGHTS.items() for _ in range(weight)]
STEPS = st.lists(
    st.builds(Step, st.sampled_from(NAMES), st.integers(0, 11), st.integers(0, 11)),
    min_size=1,
    max_size=60,
)


def _result(coroutine: Any) -> Any:
    """Return the result of a coroutine that never waits."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return finished.value
    raise AssertionError("the fake conversation waited")


class ReadingModel:
    """A server, a state that follows it, and the record of what was on screen."""

    def __init__(self) -> None:
        self.server = FakeConversation(page_size=4)
        self.roots = [self.server.post(text=f"root {n}", author=ME) for n in range(THREADS)]
        self.server.read_all()
        self.state: State = _result(load(self.server, CONVERSATION_ID, ME))
        self.delivered = len(self.server.sent)
        self.responses: list[Callable[[State], State]] = []
        self.marks: list[Callable[[State], State]] = []
        self.counts: Callable[[State], State] | None = None
        """The pending response with the unread counts."""
        self.seen: set[UUID] = set()
        """The messages that were on screen, unless they became unread again."""

    def run(self, step: Step) -> None:
        """Perform a step."""
        getattr(self, step.name)(step.first, step.second)

    # What happens on the server

    def post(self, first: int, second: int) -> None:
        """Post a reply to any message of a thread."""
        messages = self._of(self.roots[first % THREADS])
        parent = messages[second % len(messages)]
        self.server.post(parent.id, author=AUTHORS[(first + second) % len(AUTHORS)])

    def delete(self, first: int, second: int) -> None:
        """Delete a message that is not a root."""
        messages = self._of(self.roots[first % THREADS])[1:]
        if messages and messages[second % len(messages)].deleted_at is None:
            self.server.change(messages[second % len(messages)].id, deleted_at=START, content="")

    def restore(self, first: int, second: int) -> None:
        """Restore a deleted message."""
        deleted = [m for m in self._of(self.roots[first % THREADS]) if m.deleted_at]
        if deleted:
            self.server.change(deleted[second % len(deleted)].id, deleted_at=None, content="again")

    def read_elsewhere(self, first: int, second: int) -> None:
        """Another device of the reader moves the mark forward."""
        root = self.roots[first % THREADS]
        self._receive_marks()
        self.server.mark_read(root, self.server.read_seqs[root] + second % 6)

    def unread_elsewhere(self, first: int, second: int) -> None:
        """Another device of the reader marks a message, and all later ones, as unread."""
        root = self.roots[first % THREADS]
        self._receive_marks()
        messages = self._of(root)
        message = messages[second % len(messages)]
        if message.seq - 1 < self.server.read_seqs[root]:
            self.server.mark_unread(root, message.id)
            self._deliver_all()  # what is seen before it is known is unread again, and seen again
            self.seen -= {m.id for m in messages}

    # What reaches the state

    def deliver(self, first: int, second: int) -> None:
        """Apply some of the events that were sent."""
        for event in self.server.sent[self.delivered : self.delivered + 1 + first % 8]:
            self.state, _ = apply(self.state, event)
            self.delivered += 1

    def _deliver_all(self) -> None:
        while self.delivered < len(self.server.sent):
            self.deliver(0, 0)

    def lose_stream(self, first: int, second: int) -> None:
        """The stream breaks: what was not logged is lost, and the counts are fetched again."""
        self._receive_marks()
        sent = self.server.sent
        sent[self.delivered :] = [e for e in sent[self.delivered :] if e.id is not None]
        listed = _result(self.server.list_unread(CONVERSATION_ID))
        requested = self.state
        if self.counts in self.responses:  # a new connection cancels the request of the one before
            self.responses.remove(self.counts)
        self.counts = lambda state: with_unread(state, listed, requested=requested)
        self.responses.append(self.counts)

    def request_ahead(self, first: int, second: int) -> None:
        """Request the next messages above the mark."""
        root = self.roots[first % THREADS]
        reading = self._reading(root)
        if not reading.is_mark_known:
            result = self.server.mark_read(root, 0)
            self.marks.append(lambda state: with_mark_result(state, result))
        elif not reading.is_complete:
            after = reading.next_after
            page = _result(self.server.list_messages(root, after_seq=after, limit=1 + second % 4))
            self.responses.append(lambda state: with_ahead(state, page, after_seq=after))

    def request_tree(self, first: int, second: int) -> None:
        """Request the page of a thread around a message."""
        root = self.roots[first % THREADS]
        messages = self._of(root)
        around = messages[second % len(messages)].id
        page = _result(self.server.list_tree(root, around=around))
        self.responses.append(lambda state: with_tree(state, page))

    def receive(self, first: int, second: int) -> None:
        """Receive one of the pending responses."""
        if self.responses:
            self.state = self.responses.pop(first % len(self.responses))(self.state)

    def _receive_all(self) -> None:
        while self.responses:
            self.receive(0, 0)

    def _receive_marks(self) -> None:
        for response in self.marks:
            self.state = response(self.state)
        self.marks.clear()

    # What the reader does

    def see(self, first: int, second: int) -> None:
        """Some messages that are loaded are on screen."""
        root = self.roots[first % THREADS]
        tree = self.state.trees.get(root)
        shown = list(tree or ())[second // 2 :][:3]
        messages = [m for m in shown if m.author_user_id != ME and m.deleted_at is None]
        self.seen |= {m.id for m in messages}
        after = with_seen(self._reading(root), [m.seq for m in messages])
        self.state, _ = with_reading(self.state, root, after)

    def move(self, first: int, second: int) -> None:
        """Move the mark as far as the state allows; nothing unseen may be below it."""
        root = self.roots[first % THREADS]
        self._receive_marks()
        reading = self._reading(root)
        if reading.run_end > reading.read_seq:
            self._check_passed(root, reading.run_end)
            result = self.server.mark_read(root, reading.run_end)
            self.marks.append(lambda state: with_mark_result(state, result))

    def _check_passed(self, root: UUID, seq: int) -> None:
        passed = [m for m in self.server.unread(root) if m.seq <= seq]
        assert [m.seq for m in passed if m.id not in self.seen] == []

    # The law

    def settle(self) -> None:
        """Deliver everything, and load all messages above the marks."""
        self._deliver_all()
        self._receive_marks()
        self._receive_all()
        for root in self.roots:
            while not self._reading(root).is_complete:
                self.request_ahead(self.roots.index(root), 3)
                self._receive_marks()
                self.receive(0, 0)

    def check(self) -> None:
        """Compare the state with the record."""
        assert event_number(self.state.position) == len(self.server.log)
        for root in self.roots:
            reading = self._reading(root)
            assert reading.read_seq == self.server.read_seqs[root]
            unread = [m for m in self.server.unread(root) if m.id not in self.seen]
            assert sorted(m.seq for m in reading.unseen) == sorted(m.seq for m in unread)
            assert self.state.unread(root) == len(unread)
            last = max(m.seq for m in self._of(root))
            assert reading.run_end == min((m.seq for m in unread), default=last + 1) - 1

    def _reading(self, root: UUID) -> Reading:
        return self.state.readings.get(root, Reading())

    def _of(self, root: UUID) -> list[MessageView]:
        return [m for m in self.server.messages.values() if m.root_id == root]


def _check(steps: list[Step]) -> None:
    model = ReadingModel()
    for step in steps:
        model.run(step)
    model.settle()
    model.check()


@settings(max_examples=300)
@given(STEPS)
def test_unread_is_what_was_never_on_screen(steps: list[Step]) -> None:
    """In any order of events, pages, marks and responses; no mark moves over what was not seen."""
    _check(steps)


@pytest.mark.slow
@settings(max_examples=5_000, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_unread_is_what_was_never_on_screen_in_many_orders(steps: list[Step]) -> None:
    """The same with more examples."""
    _check(steps)
