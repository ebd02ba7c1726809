"""The sort keys of trees, implemented a second time in Python to check the database."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
Steps = tuple[int, ...]


def between(before: Steps, after: Steps | None) -> Steps:
    """Return a sequence after `before` and before `after`; a prefix sorts first."""
    if after is None:
        return (before[0] + 1,)
    shared = next(
        (i for i, (low, high) in enumerate(zip(before, after, strict=False)) if low != high),
        len(before),
    )
    if shared == len(before):
        return (*before, after[shared] - 1)
    if after[shared] - before[shared] >= 2:
        return (*before[:shared], before[shared] + 1)
    if shared == len(before) - 1:
        return (*before, 0)
    return (*before[: shared + 1], before[shared + 1] + 1)


def encode(steps: Steps) -> str:
    """Return the sort key of a sequence."""
    return "".join(map(_encode, steps))


def _encode(step: int) -> str:
    """Return an order-preserving text of an integer, of variable length."""
    if -20 <= step <= 20:
        return ALPHABET[31 + step]
    rest = abs(step) - 21
    digits: list[int] = []
    while rest or not digits:
        rest, digit = divmod(rest, 62)
        digits.insert(0, digit)
    if step > 0:
        return ALPHABET[51 + len(digits)] + "".join(ALPHABET[d] for d in digits)
    return ALPHABET[11 - len(digits)] + "".join(ALPHABET[61 - d] for d in digits)


class Tree:
    """A thread as nodes in depth-first order; a new node is the last child of its parent."""

    def __init__(self) -> None:
        self.order: list[int] = [0]
        self.parents: dict[int, int] = {}
        self.depths: dict[int, int] = {0: 1}
        self.steps: dict[int, Steps] = {0: (0,)}

    def add(self, parent: int) -> tuple[Steps, Steps | None]:
        """Add a child; return the two sequences that its key is between."""
        new = len(self.order)
        index = self.order.index(parent) + 1
        while index < len(self.order) and self.depths[self.order[index]] > self.depths[parent]:
            index += 1
        before = self.steps[self.order[index - 1]]
        after = self.steps[self.order[index]] if index < len(self.order) else None
        self.order.insert(index, new)
        self.parents[new] = parent
        self.depths[new] = self.depths[parent] + 1
        self.steps[new] = between(before, after)
        return before, after

    def depth_first(self) -> list[int]:
        """Return the nodes in depth-first order, computed from the parents alone."""
        children: dict[int, list[int]] = {}
        for node in sorted(self.parents):
            children.setdefault(self.parents[node], []).append(node)
        nodes: list[int] = []
        stack = [0]
        while stack:
            node = stack.pop()
            nodes.append(node)
            stack += reversed(children.get(node, []))
        return nodes
