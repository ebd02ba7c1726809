"""Search for texts that take long to render: `python -m tests.benchmarks.worst_texts [SECONDS]`.

Tries every pair of units of markup, random mixtures of them, and every lexer with units that open
something. What takes long at one length is grown, which shows whether the time grows with the
length, its square or its cube. Prints the worst; those belong into `tests.support.hostile_texts`.
"""

import gc
import itertools
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

from pygments.lexer import Lexer
from pygments.lexers import LEXERS
from tests.support.hostile_texts import BLOCK_UNITS

from rustygpt_shared.deadline.worker import TooSlow, allowance
from rustygpt_shared.lexers import lexer_of
from rustygpt_tui.render.cost import cost
from rustygpt_tui.render.markdown import render

LENGTH = 2_048
SHOWN = 15
LIMIT_SECONDS = 0.5
"""A text is given up after this processor time."""
UNITS = [
    *("> ", "- ", "* ", "1. ", "#", "|", "|-", "|-|\n", "a|b\n", "```\n", "~~~", "`", "``", "**"),
    *("*", "_", "__", "~~", "~", "[", "]", "](", "<", "\\", "&", "&amp;", "!", "![", "$", "$$"),
    *("\\(", "\\[", "https://a.b ", "\n", "\n\n", " ", "    ", "\t", "a", "word ", "\u4e2d"),
    *("e\u0301", "[a]: b\n", "\n> ", "\n- ", "\n  - ", "x\n", "=", "---\n", "a\n=\n"),
    *BLOCK_UNITS.values(),
]
CODE_UNITS = [" ", "a", "a ", "\n", "(", "[", "{", "<", "<a ", '"', "'", "`", "/", "\\", "/*", "{-"]
CODE_UNITS += [
    "${",
    "#{",
    "f'{",
    "::",
    "a.",
    "a(",
    "0",
    "=",
    "-",
    "$ a\n",
    "%q(",
    "s{",
    "[[",
    "//a",
]


class Found(NamedTuple):
    """A text, its processor time in milliseconds, and how that grows with the length."""

    milliseconds: float
    exponent: float
    per_unit: float
    """Microseconds per unit of cost; 0 for code."""
    text: str


def main() -> None:
    """Search for a number of seconds, half of them in Markdown and half in code."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60
    gc.disable()  # a collection would be counted for the text that it happens in
    show("Markdown", search(markdown_texts(), lambda text: render(text, 80), seconds / 2))
    show("code", search_code(seconds / 2))


def markdown_texts() -> Iterator[str]:
    """Yield units, pairs of them, and random mixtures without end."""
    yield from UNITS
    yield from (first + second for first, second in itertools.product(UNITS, UNITS))
    choice = random.Random(1)
    while True:
        yield "".join(choice.choice(UNITS) for _ in range(choice.randint(3, 6)))


def search(units: Iterator[str], work: Callable[[str], object], seconds: float) -> list[Found]:
    """Return the worst texts that are found within a time."""
    end = time.monotonic() + seconds
    found: list[Found] = []
    for unit in units:
        if time.monotonic() > end:
            break
        found.append(measured(unit, LENGTH, work))
    worst = sorted(found, reverse=True)[:SHOWN]
    return [grown(entry, work) for entry in worst]


def search_code(seconds: float) -> list[Found]:
    """Return the worst code over all lexers, within a time for all of them."""
    languages = [aliases[0] for _, _, aliases, _, _ in LEXERS.values() if aliases]
    found: list[Found] = []
    for language in languages:
        lexer = lexer_of(language)
        if lexer is not None:
            work = partial(_lex, lexer)
            worst = search(iter(CODE_UNITS), work, seconds / len(languages))
            found += [entry._replace(text=f"{language}: {entry.text}") for entry in worst[:1]]
    return sorted(found, reverse=True)[:SHOWN]


def _lex(lexer: Lexer, code: str) -> None:
    for _ in lexer.get_tokens(code):
        pass


def measured(unit: str, length: int, work: Callable[[str], object]) -> Found:
    """Return the time for a unit that is repeated up to a length."""
    text = (unit * (length // len(unit) + 1))[:length] + "x"
    milliseconds = 1e3 * processor_seconds(work, text)
    return Found(milliseconds, 0, 1e3 * milliseconds / cost(text), unit)


def grown(found: Found, work: Callable[[str], object]) -> Found:
    """Return the same with the exponent of its growth: 1 is linear, 2 quadratic."""
    quarter = measured(found.text, LENGTH // 4, work).milliseconds
    ratio = found.milliseconds / max(quarter, 0.01)
    return found._replace(exponent=math.log(max(ratio, 1), 4))


def processor_seconds(work: Callable[[str], object], text: str) -> float:
    """Return the processor time of the work, at most about `LIMIT_SECONDS`."""
    start = time.process_time()
    try:
        with allowance(LIMIT_SECONDS):
            work(text)
    except TooSlow:
        pass
    return time.process_time() - start


def show(title: str, found: list[Found]) -> None:
    """Print a table."""
    print(f"\n## {title}, {LENGTH:,} characters\n\n{'ms':>8} {'grows':>6} {'µs/unit':>8}  unit")
    for entry in found:
        print(
            f"{entry.milliseconds:8.1f} {entry.exponent:6.2f} {entry.per_unit:8.2f}  {entry.text!r}"
        )


if __name__ == "__main__":
    main()
