"""An answer heard in pieces."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support.sample_models import ROOT, TEA
from tests.support.streams.sse_frames import answer, message_delta

from rustygpt_shared.codec import decode_event
from rustygpt_shared.events import MessageNew, MessagePayload
from rustygpt_tui.commands.answer_tracker import AnswerTracker


@given(text=st.text(st.characters(codec="utf-8"), min_size=1), data=st.data())
def test_each_piece_is_told_once(text: str, data: st.DataObject) -> None:
    """However deltas overlap and repeat, the pieces make a beginning of the text."""
    heard = AnswerTracker(ROOT)
    heard.feed(MessageNew(MessagePayload(answer())))
    told = ""
    for _ in range(data.draw(st.integers(0, 8))):
        start = data.draw(st.integers(0, len(text)))
        piece = text[start : data.draw(st.integers(start, len(text)))]
        frame = message_delta(start, piece).decode()
        told += "".join(heard.feed(decode_event(frame.partition("data: ")[2])))
        assert text.startswith(told)
    told += "".join(heard.catch_up(answer(text, streaming=False, finish_reason="stop")))
    assert (told, heard.ended) == (text, True)


def test_an_answer_to_something_else_is_not_it() -> None:
    """It is told apart by what it answers."""
    heard = AnswerTracker(TEA)
    assert heard.catch_up(answer("Tea")) == []
    assert heard.message is None
