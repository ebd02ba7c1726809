"""Shortens the labels of authors, which are in `store.names`."""

import re

from rustygpt_tui.render.text import shorten, width

_USER_NAME = re.compile(r" \((@[^()]*)\)$")
_MIN_NAME_CELLS = 6


def shorten_label(label: str, cells: int) -> str:
    """Return a label cut to a width; an added user name is kept rather than the name."""
    match = _USER_NAME.search(label)
    if match is None or width(label) <= cells:
        return shorten(label, cells)
    space = cells - width(match[0])
    if space < _MIN_NAME_CELLS:
        return shorten(match[1], cells)
    return shorten(label[: match.start()], space) + match[0]
