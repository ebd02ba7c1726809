"""What a person wrote, as a set of words, for comparing a source with what is shown of it."""

import re
from html import unescape

WORDS = {
    "quotes": ">" * 25 + " deepquote\n" + "lazyline\n",
    "lists": "".join(f"{'  ' * level}- level{level}word\n" for level in range(25)),
    "definitions": "[used]: http://example.org/used 'thetitle'\n[unused]: /unused\n\nsee [used]\n",
    "fence": "```python title=example.py {1,3} showlines\ncode\n```\n",
    "long info line": "```" + " ".join(f"info{number}" for number in range(40)) + "\ncode\n```\n",
    "unclosed fence": "```py\nopenfence\n# notheading\n",
    "surplus cells": "| one | two |\n|---|---|\n| three | four | five | six\n| seven\n",
    "link": '[label](http://example.org/path "linktitle") [bad](javascript:alert) '
    "[ftp](ftp://example.org/file) ![picture](http://example.org/picture.png)\n",
    "html": "<b onclick=clicked>bold</b> <!-- comment -->\n\n<div>\nblock\n",
    "footnote": "text[^note]\n\n[^note]: footnote\n",
    "formula": "$a_1 * b_2$ and \\(x_1\\)\n\n$$\n\\begin{aligned}\nc_3\n$$\n",
    "line ends": "one\rtwo\vthree\ffour\x85five\u2028six\u2029seven\r\neight",
    "headings": "# first #\n\nsecond\n===\n\n####### seventh\n",
    "breaks": "hard\\\nbreak  \nsoft\nend",
    "wide": "\u4e2d\u6587**\u7c97\u4f53\uff08\u6ce8\uff09**\u540e",
    "tasks": "- [ ] opened\n1) first\n",
}  # fmt: skip
"""Sources in which each word of letters and digits has to be visible."""

_WORD = re.compile(r"[^\W_]+")


def lost_words(source: str, shown: str) -> set[str]:
    """Return the words of a source, runs of letters and digits, that are nowhere in a text."""
    return {word for word in _WORD.findall(source) if len(word) > 1 and word not in shown}


def text_of_html(html: str) -> str:
    """Return what a page shows: the text, and the addresses and titles of links."""
    attributes = re.findall(r'(?:href|title)="([^"]*)"', html)
    return unescape(" ".join([re.sub(r"<[^>]*>", "", html), *attributes]))
