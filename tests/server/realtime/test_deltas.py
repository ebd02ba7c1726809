"""Deltas: the frames that subscribers get of them, and how they are split."""

import pytest
from tests.support.components.backplanes import answer_delta

from rustygpt_server.realtime.deltas import AnswerDelta
from rustygpt_shared import codec
from rustygpt_shared.events import MessageDelta, MessageDeltaPayload


def _payload(delta: AnswerDelta) -> MessageDeltaPayload:
    event = codec.decode_event(delta.frame().split(b"data: ")[1])
    assert isinstance(event, MessageDelta)
    return event.payload


def test_only_the_first_delta_has_a_role() -> None:
    """Reasoning has an offset of its own."""
    first = _payload(answer_delta(0, "a"))
    later = _payload(answer_delta(4, "b", reasoning="r", reasoning_offset=2))

    assert (first.choices[0].delta.role, first.reasoning_offset) == ("assistant", None)
    assert (later.choices[0].delta.role, later.reasoning_offset) == (None, 2)
    assert later.offset == 4


@pytest.mark.parametrize(("content", "reasoning"), [("abcdef", "xyz"), ("", "xy"), ("ab", "xyz")])
def test_the_halves_of_a_delta_follow_each_other(content: str, reasoning: str) -> None:
    """Together they have the same text, and each is shorter."""
    delta = answer_delta(10, content, reasoning=reasoning, reasoning_offset=20)
    first, second = delta.split()

    assert first.content + second.content == content
    assert first.reasoning + second.reasoning == reasoning
    assert second.offset == 10 + len(first.content)
    assert second.reasoning_offset == 20 + len(first.reasoning)
    for half in (first, second):
        assert len(half.content) + len(half.reasoning) < len(content) + len(reasoning)
