"""Making text safe for a terminal."""

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from rustygpt_tui.client.printable import one_line, printable

HOSTILE = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from("\x1b\x9b\x07\x00\r\x7f\u202e\u2066\u200f\u2028\ufeff\U000e0041[]0;m"),
    )
)


@given(HOSTILE)
def test_printable_text_cannot_control_a_terminal(text: str) -> None:
    """No control characters but newline and tab, no bidirectional controls, no tags."""
    safe = printable(text)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", safe
    )
    assert not re.search("[\ud800-\udfff\U000e0000-\U000e007f\ufeff]", safe)
    safe.encode()


@given(
    st.text(
        st.characters(
            codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="\u3164\uffa0"
        )
    )
)
def test_visible_text_stays(text: str) -> None:
    """Letters, marks, digits and symbols of all scripts do not change, except for fillers."""
    assert printable(text) == text
    assert all(unicodedata.category(c)[0] != "C" for c in printable(text))


def test_joiners_of_emoji_and_scripts_stay() -> None:
    """A family, a flag, a heart and a Persian word do not change."""
    for text in ("👨\u200d👩\u200d👧", "❤\ufe0f", "🇩🇪", "\u0645\u06cc\u200c\u062e"):
        assert printable(text) == text


@given(HOSTILE)
def test_one_line_is_one_line(text: str) -> None:
    """Titles and names cannot add lines."""
    assert "\n" not in one_line(text)
    assert len(one_line(text).splitlines()) <= 1


def test_every_kind_of_line_end_ends_a_line() -> None:
    """None is removed, which would join two words."""
    assert printable("a\r\nb\rc\vd\fe\x85f\u2028g\u2029h") == "a\nb\nc\nd\ne\nf\ng\nh"
    assert one_line("a\u2028b\rc") == "a b c"


def test_blank_letters_become_spaces_of_their_width() -> None:
    """Terminals do not agree on the width of the letters themselves."""
    assert printable("a\u3164b\uffa0c") == "a\u3000b c"
