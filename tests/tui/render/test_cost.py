"""What is rendered on the event loop is bounded, whatever the text is.

Function calls are counted, as seconds depend on the machine.
"""

import subprocess
import sys

import pytest
from tests.support.function_calls import MAX_CALLS, calls
from tests.support.hostile_texts import BLOCK_UNITS, HOSTILE_TEXTS, block_text

from rustygpt_tui.render.cost import MAX_AT_ONCE, cost
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.plain_text import plain_lines
from rustygpt_tui.render.streaming_markdown import StreamingMarkdown

_ORDINARY = "Some **bold** words, `code` and a [link](http://a.b).\n\n- item\n\n"


def longest_at_once(name: str) -> str:
    """Return the longest hostile text of a kind that may be rendered at once."""
    length = 12_000
    while cost(block_text(name, length)) > MAX_AT_ONCE:
        length = length * 9 // 10
    return block_text(name, length)


def test_an_ordinary_message_of_several_kilobytes_is_rendered_at_once() -> None:
    """The bound is beyond what people usually write."""
    assert cost(_ORDINARY * 60) < MAX_AT_ONCE
    assert calls(lambda: render(_ORDINARY * 60, 80)) < MAX_CALLS / 4


@pytest.mark.parametrize("name", BLOCK_UNITS)
def test_no_text_at_the_bound_takes_much_longer_than_an_ordinary_one(name: str) -> None:
    """The estimate holds for each kind of text that takes long."""
    text = longest_at_once(name)

    assert calls(lambda: render(text, 80)) < MAX_CALLS


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_showing_a_text_as_written_takes_little(name: str) -> None:
    """That is what happens with every text above the bound, of any length."""
    text = HOSTILE_TEXTS[name]

    assert calls(lambda: plain_lines(text, 80)) < MAX_CALLS


@pytest.mark.parametrize("name", HOSTILE_TEXTS)
def test_no_part_of_a_growing_text_takes_long(name: str) -> None:
    """Not the first, nor one after much of the text."""
    text = HOSTILE_TEXTS[name][:24_000]
    stream = StreamingMarkdown(80)
    parts = [text[start : start + 500] for start in range(0, len(text), 500)]

    assert max(calls(lambda part=part: stream.append(part)) for part in parts) < MAX_CALLS  # type: ignore[misc]


def test_the_terminal_imports_no_lexer() -> None:
    """They are in the rendering process only; this also keeps the start short."""
    program = (
        "import sys, rustygpt_tui.app, rustygpt_tui.screens.main\n"
        "sys.exit(str([name for name in sys.modules if name.startswith('pygments')]))"
    )
    process = subprocess.run(
        [sys.executable, "-c", program], check=False, capture_output=True, text=True
    )
    assert process.stderr == "[]\n"
