"""Stop sequences in text that arrives in any parts."""

import hypothesis
import pytest
from hypothesis import strategies

from rustygpt_server.assistant.stop_sequences import StopFilter

_TEXTS = strategies.text("ab<", max_size=30)
_STOPS = strategies.lists(strategies.text("ab<", min_size=1, max_size=4), max_size=4)


def _filtered(stops: list[str], parts: list[str]) -> tuple[str, bool]:
    """Return what is passed on of these parts, and whether a stop sequence was found."""
    stop_filter = StopFilter(stops)
    text = "".join(stop_filter.feed(part) for part in parts)
    return text + stop_filter.end(), stop_filter.found


@hypothesis.given(stops=_STOPS, text=_TEXTS)
def test_a_text_ends_before_the_first_stop_sequence_to_be_complete(
    stops: list[str], text: str
) -> None:
    """In single characters: the sequence that is complete first, and of several the earliest."""
    ends = [end for end in range(1, len(text) + 1) if any(text[:end].endswith(s) for s in stops)]
    expected = text
    if ends:
        seen = text[: ends[0]]
        expected = seen[: min(seen.find(s) for s in stops if s in seen)]

    assert _filtered(stops, list(text)) == (expected, bool(ends))


@hypothesis.given(stops=_STOPS, parts=strategies.lists(_TEXTS, max_size=6))
def test_no_text_has_a_stop_sequence(stops: list[str], parts: list[str]) -> None:
    """However it is split; what is passed on is the beginning of the text."""
    text, found = _filtered(stops, parts)
    full_text = "".join(parts)

    assert full_text.startswith(text)
    assert not any(stop in text for stop in stops)
    assert found == any(stop in full_text for stop in stops)
    assert found or text == full_text


@pytest.mark.parametrize(("parts", "expected"), [(["abc"], "abc"), (["a<", "b"], "a<b")])
def test_text_is_held_back_only_while_it_may_be_a_stop_sequence(
    parts: list[str], expected: str
) -> None:
    """Without a beginning of one it is passed on at once."""
    stop_filter = StopFilter(["<end>"])
    assert "".join(map(stop_filter.feed, parts)) == expected
