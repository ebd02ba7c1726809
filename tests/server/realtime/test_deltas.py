"""Pieces of text: what readers get of them, and how they are cut."""

import pytest
from tests.support.components.backplanes import answer_delta

from rustygpt_shared import codec
from rustygpt_shared.events import MessageDelta


def test_the_frame_is_a_delta() -> None:
    """The first piece names the role; reasoning has an offset of its own."""
    data = answer_delta(0, "a").frame().split(b"data: ")[1]
    first = codec.decode_event(data)
    later = codec.decode_event(
        answer_delta(4, "b", reasoning="r", reasoning_offset=2).frame().split(b"data: ")[1]
    )

    assert isinstance(first, MessageDelta)
    assert isinstance(later, MessageDelta)
    assert (first.payload.choices[0].delta.role, first.payload.reasoning_offset) == (
        "assistant",
        None,
    )
    assert (later.payload.choices[0].delta.role, later.payload.reasoning_offset) == (None, 2)
    assert later.payload.offset == 4


@pytest.mark.parametrize(("content", "reasoning"), [("abcdef", "xyz"), ("", "xy"), ("ab", "xyz")])
def test_halves_follow_each_other(content: str, reasoning: str) -> None:
    """Together they are the whole, and each is smaller."""
    whole = answer_delta(10, content, reasoning=reasoning, reasoning_offset=20)
    one, two = whole.split()

    assert (one.content + two.content, one.reasoning + two.reasoning) == (content, reasoning)
    assert two.offset == 10 + len(one.content)
    assert two.reasoning_offset == 20 + len(one.reasoning)
    for half in (one, two):
        assert len(half.content) + len(half.reasoning) < len(content) + len(reasoning)
