"""What commands print."""

import json

from hypothesis import given
from hypothesis import strategies as st

from rustygpt_tui.client.printable import printable
from rustygpt_tui.commands.output import json_line, width

TEXT = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("\x1b\x9b\u202e\u2028")))


@given(TEXT)
def test_json_is_whole_and_drives_no_terminal(text: str) -> None:
    """What a terminal must not get is escaped, not lost."""
    line = json_line({"text": text})
    assert json.loads(line) == {"text": text}
    assert printable(line) == line
    assert "\n" not in line


def test_columns_count_what_is_seen() -> None:
    """Wide characters take two, marks and joiners none."""
    assert [width(t) for t in ("tea", "茶", "e\u0301", "a\u200db")] == [3, 2, 1, 2]
