"""Heights of many items one under the other: from an item to its row and back, in O(log n).

A Fenwick tree over integers. Where items are put in between, the tree is built anew, in O(n).
"""

from collections.abc import Iterable


class Heights:
    """Rows that items take, each at least 0."""

    def __init__(self, heights: Iterable[int] = ()) -> None:
        self._heights = list(heights)
        self._sums = [0, *self._heights]
        for index in range(1, len(self._sums)):
            above = index + (index & -index)
            if above < len(self._sums):
                self._sums[above] += self._sums[index]

    def __len__(self) -> int:
        return len(self._heights)

    def __getitem__(self, index: int) -> int:
        return self._heights[index]

    @property
    def total(self) -> int:
        """Rows of all items together."""
        return self.top(len(self._heights))

    def top(self, index: int) -> int:
        """The row at which an item starts; for the number of items, the row after the last."""
        row = 0
        while index > 0:
            row += self._sums[index]
            index -= index & -index
        return row

    def set(self, index: int, height: int) -> None:
        """Give an item another height."""
        difference = height - self._heights[index]
        self._heights[index] = height
        index += 1
        while difference and index < len(self._sums):
            self._sums[index] += difference
            index += index & -index

    def append(self, height: int) -> None:
        """Add an item after the last."""
        self._heights.append(height)
        index = len(self._heights)
        span = index & -index
        self._sums.append(height + self.top(index - 1) - self.top(index - span))

    def find(self, row: int) -> tuple[int, int]:
        """The item at a row and the row within it; rows outside are moved to the nearest end.

        Raises IndexError when there is no item.
        """
        if not self._heights:
            raise IndexError(row)
        row = max(0, min(row, self.total - 1))
        index, step = 0, 1 << (len(self._heights).bit_length())
        while step := step >> 1:
            after = index + step
            if after < len(self._sums) and self._sums[after] <= row:
                index, row = after, row - self._sums[after]
        index = min(index, len(self._heights) - 1)
        return index, row
