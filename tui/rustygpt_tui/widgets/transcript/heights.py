"""Heights of many items one under the other: from an item to its row and back.

They are kept in blocks with the sum of each, so that a look-up, a changed height, and items put in
anywhere cost about the square root of how many there are.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

BLOCK = 256


class Heights:
    """Rows that items take, each at least 0."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._blocks = _cut(list(heights))
        self._sums = [sum(block) for block in self._blocks]
        self._starts: list[int] = []
        self._tops: list[int] = []
        self._count()

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> int:
        block, inner = self._locate(index)
        return self._blocks[block][inner]

    @property
    def total(self) -> int:
        """Rows of all items together."""
        return self._rows()[-1]

    def top(self, index: int) -> int:
        """The row at which an item starts; for the number of items, the row after the last."""
        if index >= len(self):
            return self.total
        block, inner = self._locate(index)
        return self._rows()[block] + sum(self._blocks[block][:inner])

    def set(self, index: int, height: int) -> None:
        """Give an item another height."""
        block, inner = self._locate(index)
        difference = height - self._blocks[block][inner]
        if difference:
            self._blocks[block][inner] = height
            self._sums[block] += difference
            self._tops.clear()

    def splice(self, start: int, stop: int, heights: Sequence[int]) -> None:
        """Put items in the place of those from `start` up to `stop`, which may be none."""
        if not self._blocks:
            self._blocks, first, last = [[]], 0, 0
            self._sums, self._starts = [0], [0, 0]
        else:
            first = min(bisect_right(self._starts, start), len(self._blocks)) - 1
            last = first if stop <= start else self._locate(stop - 1)[0]
        before = self._blocks[first][: start - self._starts[first]]
        after = self._blocks[last][max(stop, start) - self._starts[last] :]
        blocks = _cut([*before, *heights, *after])
        self._blocks[first : last + 1] = blocks
        self._sums[first : last + 1] = [sum(block) for block in blocks]
        self._count()

    def find(self, row: int) -> tuple[int, int]:
        """The item at a row and the row within it; rows outside are moved to the nearest end.

        Raises IndexError when there is no item.
        """
        if not self._blocks:
            raise IndexError(row)
        tops = self._rows()
        row = max(0, min(row, tops[-1] - 1))
        block = max(0, min(bisect_right(tops, row), len(self._blocks)) - 1)
        row -= tops[block]
        for inner, height in enumerate(self._blocks[block]):
            if row < height:
                return self._starts[block] + inner, row
            row -= height
        return self._starts[block + 1] - 1, row

    def _locate(self, index: int) -> tuple[int, int]:
        """The block of an item and its place in there; raises IndexError when there is none."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        block = bisect_right(self._starts, index) - 1
        return block, index - self._starts[block]

    def _count(self) -> None:
        """How many items stand before each block; the last number is that of all."""
        self._starts = [0, *accumulate(len(block) for block in self._blocks)]
        self._tops = []

    def _rows(self) -> list[int]:
        """How many rows stand above each block; the last number is that of all."""
        if not self._tops:
            self._tops = [0, *accumulate(self._sums)]
        return self._tops


def _cut(heights: list[int]) -> list[list[int]]:
    """Blocks of a size: short ones where few are, none empty."""
    if len(heights) <= 2 * BLOCK:
        return [heights] if heights else []
    return [heights[at : at + BLOCK] for at in range(0, len(heights), BLOCK)]
