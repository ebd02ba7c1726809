"""What is read of a thread: the mark, what was seen, what is unread."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from tests.tui.sample_threads import ME, START, message

from rustygpt_shared.models.conversations import UNREAD_MAX
from rustygpt_tui.store import reading as readings
from rustygpt_tui.store.reading import Reading

OTHER = UUID(int=77)


def _messages(authors: list[bool]) -> list:
    """Return messages with `seq` from 1 on; True is an own one."""
    return [
        message(number, author_user_id=ME if own else OTHER) for number, own in enumerate(authors)
    ]


@given(
    authors=st.lists(st.booleans(), max_size=12),
    seen=st.lists(st.integers(1, 12), max_size=12),
    page_size=st.integers(1, 5),
)
def test_the_mark_may_move_over_the_longest_run_of_seen_messages(
    authors: list[bool], seen: list[int], page_size: int
) -> None:
    """Own messages belong to a run; the first other one that was not seen ends it."""
    messages = _messages(authors)
    reading = Reading(unread=sum(not own for own in authors))
    while not reading.is_complete:
        left = [m for m in messages if m.seq > reading.next_after]
        more = len(left) > page_size
        reading = readings.with_page(reading, left[:page_size], ME, more=more)
    reading = readings.with_seen(reading, seen)
    unseen = [m.seq for m in messages if m.author_user_id != ME and m.seq not in seen]
    assert [m.seq for m in reading.unseen] == unseen
    assert reading.count == len(unseen)
    assert reading.run_end == (unseen[0] - 1 if unseen else len(messages))


def test_a_mark_that_moves_forward_drops_what_is_below_it() -> None:
    """What was seen above it stays seen."""
    reading = readings.with_page(Reading(), _messages([False] * 5), ME, more=False)
    reading = readings.with_seen(reading, [1, 2, 5])
    moved = readings.with_mark(reading, 2, 3)
    assert [m.seq for m in moved.ahead] == [3, 4, 5]
    assert (moved.seen, moved.count, moved.run_end) == ({5}, 2, 2)


def test_a_mark_that_moves_back_makes_messages_unread_again() -> None:
    """Also those that were seen before; the messages above it have to be fetched."""
    reading = readings.with_page(Reading(), _messages([False] * 3), ME, more=False)
    reading = readings.with_mark(readings.with_seen(reading, [1, 2, 3]), 3, 0)
    back = readings.with_mark(reading, 1, 2)
    assert (back.count, back.seen, back.is_complete) == (2, frozenset(), False)


def test_new_messages_follow_only_a_complete_list() -> None:
    """Before, they are counted, and come with the next page."""
    first, second = _messages([False, False])
    counted = readings.with_new_message(Reading(), first, ME)
    assert (counted.count, counted.ahead) == (1, ())
    complete = readings.with_page(Reading(), [first], ME, more=False)
    assert [m.seq for m in readings.with_new_message(complete, second, ME).ahead] == [1, 2]


def test_a_deleted_message_is_not_unread() -> None:
    """It stays part of the run, and is unread again when it is restored."""
    messages = _messages([False, False])
    reading = readings.with_page(Reading(unread=2), messages, ME, more=False)
    deleted = message(0, author_user_id=OTHER, deleted_at=START)
    after = readings.with_changed_message(reading, deleted, ME)
    assert ([m.seq for m in after.unseen], after.unread, after.run_end) == ([2], 1, 1)
    assert readings.with_changed_message(after, deleted, ME) is after
    restored = readings.with_changed_message(after, messages[0], ME)
    assert ([m.seq for m in restored.unseen], restored.unread) == ([1, 2], 2)


def test_a_capped_count_stays_capped() -> None:
    """There may be any number of further messages that are not known."""
    messages = _messages([False] * 4)
    reading = readings.with_page(Reading(unread=UNREAD_MAX), messages, ME, more=True)
    assert readings.with_seen(reading, [1, 2]).count == UNREAD_MAX


def test_the_known_messages_above_the_mark_are_bounded() -> None:
    """The list is then no longer complete, and is fetched again as the mark moves."""
    reading = Reading(is_complete=True)
    for number in range(readings.AHEAD_MAX + 5):
        reading = readings.with_new_message(reading, message(number, author_user_id=OTHER), ME)
    assert len(reading.ahead) == readings.AHEAD_MAX
    assert not reading.is_complete
