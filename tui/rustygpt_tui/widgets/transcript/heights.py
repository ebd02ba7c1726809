"""Heights of stacked items: converts between an item's index and its row.

Square-root decomposition: heights are kept in blocks with the sum of each block, so that a lookup,
a changed height and an insertion cost about the square root of the number of items.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate

BLOCK = 256
"""Items per block."""


class Heights:
    """The number of rows of each item, at least 0."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._blocks = _cut(list(heights))
        self._sums = [sum(block) for block in self._blocks]
        self._starts: list[int] = []
        self._tops: list[int] = []
        self._update_starts()

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, index: int) -> int:
        block, inner = self._locate(index)
        return self._blocks[block][inner]

    @property
    def total(self) -> int:
        """The number of rows of all items."""
        return self._block_tops()[-1]

    def top(self, index: int) -> int:
        """Return the first row of an item; for an index past the end, the row after the last."""
        if index >= len(self):
            return self.total
        block, inner = self._locate(index)
        return self._block_tops()[block] + sum(self._blocks[block][:inner])

    def set(self, index: int, height: int) -> None:
        """Change the height of an item."""
        block, inner = self._locate(index)
        difference = height - self._blocks[block][inner]
        if difference:
            self._blocks[block][inner] = height
            self._sums[block] += difference
            self._tops.clear()

    def splice(self, start: int, stop: int, heights: Sequence[int]) -> None:
        """Replace the items from `start` up to, not including, `stop` by others."""
        if not self._blocks:
            first = 0
            last = 0
            self._blocks = [[]]
            self._sums = [0]
            self._starts = [0, 0]
        else:
            first = min(bisect_right(self._starts, start), len(self._blocks)) - 1
            last = first if stop <= start else self._locate(stop - 1)[0]
        before = self._blocks[first][: start - self._starts[first]]
        after = self._blocks[last][max(stop, start) - self._starts[last] :]
        blocks = _cut([*before, *heights, *after])
        self._blocks[first : last + 1] = blocks
        self._sums[first : last + 1] = [sum(block) for block in blocks]
        self._update_starts()

    def find(self, row: int) -> tuple[int, int]:
        """Return the index of the item at a row, and the row within that item.

        A row outside is moved to the nearest end. Raises IndexError when there are no items.
        """
        if not self._blocks:
            raise IndexError(row)
        tops = self._block_tops()
        row = max(0, min(row, tops[-1] - 1))
        block = max(0, min(bisect_right(tops, row), len(self._blocks)) - 1)
        row -= tops[block]
        for inner, height in enumerate(self._blocks[block]):
            if row < height:
                return self._starts[block] + inner, row
            row -= height
        return self._starts[block + 1] - 1, row

    def _locate(self, index: int) -> tuple[int, int]:
        """Return an item's block and its index there; raises IndexError when there is none."""
        if not 0 <= index < len(self):
            raise IndexError(index)
        block = bisect_right(self._starts, index) - 1
        return block, index - self._starts[block]

    def _update_starts(self) -> None:
        """Count the items before each block; the last number is the total."""
        self._starts = [0, *accumulate(len(block) for block in self._blocks)]
        self._tops = []

    def _block_tops(self) -> list[int]:
        """Return the number of rows above each block; the last number is the total."""
        if not self._tops:
            self._tops = [0, *accumulate(self._sums)]
        return self._tops


def _cut(heights: list[int]) -> list[list[int]]:
    """Return heights in blocks, none of them empty; up to two blocks' worth stay in one."""
    if len(heights) <= 2 * BLOCK:
        return [heights] if heights else []
    return [heights[at : at + BLOCK] for at in range(0, len(heights), BLOCK)]
