"""Texts that took longest for their length, found by `python -m tests.benchmarks.worst_texts`.

Each is a unit that is repeated up to a size. New findings are added here, and stay.
"""

MESSAGE_MAX = 65_536

BLOCK_UNITS = {
    "images that do not end": "![- ",
    "links that do not end": "[a](![",
    "lines of one character": "~\n",
    "items of one character": "\n- |",
    "wide characters": "!\u4e2d",
    "quotes in quotes": ">" * 30 + " a\nlazy line\n",
    "lazy lines": "> a\nb\n",
    "cells": "|a|b|\n|-|-|\n" + "|c|d|\n" * 40,
    "definitions": "[a]: b\n[a]\n",
    "delimiters": "*a_ **b ~~c ",
    "code spans that do not end": "a`b``c```",
    "formulas that do not end": "$a $$ \\( \\[ ",
    "entities": "&amp;&#1;&x",
    "addresses": "<http://a.b> http://c.d ",
    "setext headings": "a\n=\n",
    "nested items": "- - - a\n  - b\n",
    "emoji": "\U0001f468\u200d\U0001f469\u200d\U0001f467 ",
    "combining marks": "e" + "\u0301" * 40,
    "empty lines": "\n",
    "blanks": " ",
    "fences": "```py\nx\n```\n",
    "backslashes": "\\",
    "opening brackets": "[",
    "stars": "*",
}

CODE_UNITS = {
    "systemd": " ",
    "autoit": " ",
    "fan": "a",
    "terraform": "a",
    "adl": " ",
    "xquery": "a",
    "maple": "'",
    "make": "a",
    "androidbp": "a",
    "html+ng2": "(",
    "lilypond": "a",
    "gnuplot": "a",
    "devicetree": "a",
    "c": " ",
    "cpp": " ",
    "java": "a",
    "rst": "`",
}
"""What is repeated in a code block, by its language."""


def _repeated(unit: str, length: int) -> str:
    return (unit * (length // len(unit) + 1))[:length]


def block_text(name: str, length: int = MESSAGE_MAX) -> str:
    """Return a text of a length, of one kind of block or inline markup."""
    return _repeated(BLOCK_UNITS[name], length)


def code_text(language: str, length: int = 8_000) -> str:
    """Return a fenced code block with code of a length."""
    return f"```{language}\n{_repeated(CODE_UNITS[language], length)}x\n```\n"


def wide_table(length: int = MESSAGE_MAX) -> str:
    """Return a table of many columns and rows."""
    head = f"|{'a|' * 200}\n|{'-|' * 200}\n"
    return head + _repeated(f"|{'x|' * 200}\n", length - len(head))


HOSTILE_TEXTS = {
    **{name: block_text(name) for name in BLOCK_UNITS},
    **{f"code in {language}": code_text(language) for language in CODE_UNITS},
    "a wide table": wide_table(),
}
"""Messages of the greatest length, and code that lexers need long for, by their names."""
