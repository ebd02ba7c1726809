"""Which messages count as seen."""

from dataclasses import dataclass
from uuid import UUID

from rustygpt_tui.conversation.reading_tracker import ReadingTracker

A, B = UUID(int=1), UUID(int=2)


@dataclass(frozen=True)
class Visible:
    """A message on screen."""

    id: UUID
    top_visible: bool = True
    bottom_visible: bool = True


def test_a_message_is_seen_after_a_moment_on_screen() -> None:
    """And as long as it is there."""
    tracker = ReadingTracker(0.5)
    assert tracker.watch([Visible(A)], 10.0) == []
    assert tracker.next_change(10.25) == 0.25
    assert tracker.watch([Visible(A), Visible(B)], 10.5) == [A]
    assert tracker.watch([Visible(A), Visible(B)], 10.9) == [A]
    assert tracker.watch([Visible(A), Visible(B)], 11.0) == [A, B]
    assert tracker.watch([Visible(B)], 11.1) == [B]
    assert tracker.next_change(11.0) is None


def test_what_is_scrolled_past_is_not_seen() -> None:
    """The moment begins again when the message comes back."""
    tracker = ReadingTracker(0.5)
    tracker.watch([Visible(A)], 10.0)
    tracker.watch([], 10.4)
    assert tracker.watch([Visible(A)], 10.6) == []
    assert tracker.watch([Visible(A)], 11.0) == []
    assert tracker.watch([Visible(A)], 11.1) == [A]


def test_a_tall_message_is_seen_after_its_start_and_its_end() -> None:
    """They need not be on screen together."""
    tracker = ReadingTracker(0.5)
    top = Visible(A, bottom_visible=False)
    middle = Visible(A, top_visible=False, bottom_visible=False)
    bottom = Visible(A, top_visible=False)
    for now, visible in ((0.0, top), (0.6, top), (1.0, middle), (2.0, bottom)):
        assert tracker.watch([visible], now) == []
    assert tracker.watch([bottom], 2.5) == [A]


def test_a_pause_ends_the_moment() -> None:
    """What is on screen without the focus is not seen."""
    tracker = ReadingTracker(0.5)
    tracker.watch([Visible(A)], 0.0)
    tracker.pause()
    assert tracker.next_change(0.1) is None
    assert tracker.watch([Visible(A)], 3.0) == []
    assert tracker.watch([Visible(A)], 3.5) == [A]


def test_another_thread_begins_afresh() -> None:
    """A message is reported again after a reset."""
    tracker = ReadingTracker(0.0)
    assert tracker.watch([Visible(A)], 0.0) == [A]
    tracker.reset()
    assert tracker.watch([Visible(A)], 1.0) == [A]
