"""The tracker of one assistant answer."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.sample_models import REPLY, TEA
from tests.support.streams.sse_frames import answer, message_delta

from rustygpt_shared.codec import decode_event
from rustygpt_shared.events import MessageNew, MessagePayload
from rustygpt_tui.commands.answer_tracker import AnswerTracker


@given(text=st.text(st.characters(codec="utf-8"), min_size=1), data=st.data())
def test_each_part_of_the_text_is_returned_once(text: str, data: st.DataObject) -> None:
    """Deltas that overlap and repeat add up to a beginning of the text."""
    tracker = AnswerTracker(REPLY)
    tracker.feed(MessageNew(MessagePayload(answer())))
    returned = ""
    for _ in range(data.draw(st.integers(0, 8))):
        start = data.draw(st.integers(0, len(text)))
        part = text[start : data.draw(st.integers(start, len(text)))]
        frame = message_delta(start, part).decode()
        returned += tracker.feed(decode_event(frame.partition("data: ")[2]))
        assert text.startswith(returned)
    returned += tracker.catch_up(answer(text, streaming=False, finish_reason="stop"))
    assert (returned, tracker.ended) == (text, True)


def test_another_answer_is_ignored() -> None:
    """Only the message with the tracker's id counts."""
    tracker = AnswerTracker(TEA)
    assert tracker.catch_up(answer("Tea")) == ""
    assert not tracker.seen
