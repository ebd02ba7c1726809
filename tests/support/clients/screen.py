"""What a terminal shows after some output: the few control sequences that the line chat uses."""

import re
import unicodedata

_PARTS = re.compile(r"\x1b\[[?0-9]*[A-Za-z]|.", re.DOTALL)


def screen_of(output: str, columns: int = 80) -> str:
    """Return the rows, without what was erased and without trailing blanks.

    A row that is full wraps when the next character comes, as terminals do.
    """
    rows: list[list[str]] = [[]]
    row = column = 0
    for part in _PARTS.findall(output):
        if part == "\n":
            row += 1
            column = 0
        elif part == "\r":
            column = 0
        elif part.endswith("A") and len(part) > 1:
            row -= int(part[2:-1])
            assert row >= 0, "the cursor left the screen"
        elif part == "\x1b[J":
            del rows[row + 1 :]
            del rows[row][column:]
        elif not part.startswith("\x1b"):
            cells = 2 if unicodedata.east_asian_width(part) in "WF" else 1
            if column + cells > columns:
                row, column = row + 1, 0
            _extend(rows, row)
            rows[row][column : column + cells] = [part, *[""] * (cells - 1)]
            column += cells
        _extend(rows, row)
    return "\n".join("".join(line).rstrip() for line in rows).rstrip("\n")


def _extend(rows: list[list[str]], row: int) -> None:
    while len(rows) <= row:
        rows.append([])
