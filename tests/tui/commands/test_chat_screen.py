"""The bottom of the terminal in a line chat: output above the prompt, and the typed text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clients.screen import screen_of

from rustygpt_tui.commands.chat_screen import MAX_ROWS, ChatScreen

COLUMNS = 20
TEXTS = st.text(st.sampled_from("ab \n界"), max_size=30)


def screen() -> tuple[ChatScreen, list[str]]:
    """Return a screen of 20 columns, and the list of what it writes."""
    written: list[str] = []
    return ChatScreen(written.append, lambda: COLUMNS), written


def shown(written: list[str]) -> list[str]:
    """Return the rows that the terminal shows."""
    return screen_of("".join(written), COLUMNS).split("\n")


@given(st.lists(st.tuples(st.booleans(), TEXTS), max_size=12))
def test_output_and_typed_text_stay_apart(steps: list[tuple[bool, str]]) -> None:
    """Whatever is written and typed in between, the output is complete and above the prompt."""
    one, written = screen()
    one.show("↳ label", "")
    output = ""
    typed = ""
    for is_output, text in steps:
        if is_output:
            output += text
            one.write(text)
        else:
            typed = (typed + text.replace("\n", ""))[:8]
            one.show("↳ label", typed)
    rows = shown(written)
    assert rows[-2:] == ["↳ label", f"> {typed}".rstrip()]
    above = screen_of(output, COLUMNS)
    assert "\n".join(rows[:-2]).rstrip("\n") == above


def test_typed_text_is_not_drawn_again() -> None:
    """Each key adds its character only; Enter leaves the line as a part of the output."""
    one, written = screen()
    for text in ("", "a", "ab"):
        one.show("↳ label", text)
    one.commit()
    one.show("↳ next", "")
    assert "".join(written) == "↳ label\n> ab\n↳ next\n> "


def test_a_changed_label_is_drawn_again() -> None:
    """The typed text stays."""
    one, written = screen()
    one.write("begin")
    one.show("↳ one", "text")
    one.show("↳ two", "text")
    one.write(" end\n")
    assert shown(written) == ["begin end", "↳ two", "> text"]


@pytest.mark.parametrize("text", ["x" * 30, "界" * 15])
def test_a_long_line_is_shown_at_its_end_until_it_is_sent(text: str) -> None:
    """So that the height of the prompt is known; then it is written in full."""
    one, written = screen()
    one.show("↳ a long label, which is cut", text)
    rows = shown(written)
    assert rows[0] == "↳ a long label, wh…"
    assert rows[1].startswith("> …")
    assert len(rows) == 2
    one.commit()
    assert text in screen_of("".join(written), 1_000)


def test_a_long_paste_is_shown_at_its_end_until_it_is_sent() -> None:
    """With how many lines are left out."""
    one, written = screen()
    text = "\n".join(f"  line {number}" for number in range(30))
    one.show("↳ label", text)
    rows = shown(written)
    assert len(rows) == 2 + MAX_ROWS
    assert rows[1] == "> … (22 more lines)"
    one.commit()
    assert shown(written)[1:] == ["> " + "  line 0", *(f"    line {n}" for n in range(1, 30))]


def test_typed_text_cannot_control_the_terminal() -> None:
    """Control characters of a paste are not shown."""
    one, written = screen()
    one.write("a\x1b[2Jb")
    one.show("\x1b]0;x\x07", "c\x1b[2Jd\te")
    assert "\x1b[2J" not in "".join(written)
    assert shown(written) == ["a[2Jb", "]0;x", "> c[2Jd    e"]


def test_other_output_gets_lines_of_its_own() -> None:
    """The prompt is removed meanwhile, and at the end."""
    one, written = screen()
    one.write("part")
    one.show("↳ label", "text")
    with one.suspended():
        written.append("note\n")
    assert shown(written) == ["part", "note", "↳ label", "> text"]
    one.redraw()
    assert shown(written)[-2:] == ["↳ label", "> text"]
    one.write("more")
    one.close()
    assert shown(written)[-1] == "more"


@pytest.mark.parametrize(("before", "after"), [(80, 20), (20, 80), (33, 7), (9, 40)])
def test_after_a_change_of_the_width_no_row_of_the_prompt_is_left(before: int, after: int) -> None:
    """A narrower terminal has wrapped the rows, the unfinished output among them."""
    columns = before
    written: list[str] = []
    one = ChatScreen(written.append, lambda: columns)
    one.write("above\n" + "output " * 9)
    one.show("↳ to assistant: " + "a long label " * 3, "typed text " * 5)
    columns = after  # the terminal wraps again what it has got, with its cursor at the end
    one.resize()
    rows = screen_of("".join(written), after).split("\n")
    assert "".join(rows).count("↳") == 1
    assert rows[-2].startswith("↳")
    assert rows[-1].startswith("> ")
    assert "".join(rows[:-2]).replace(" ", "") == "above" + "output" * 9
    columns = before
    one.show("↳ next", "")
    assert "".join(written).endswith("↳ next\n> "), "the next key is drawn at the present width"


def test_a_change_of_the_width_without_a_prompt_draws_nothing() -> None:
    """Something else writes then."""
    one, written = screen()
    one.write("part")
    one.resize()
    assert written == ["part"]
