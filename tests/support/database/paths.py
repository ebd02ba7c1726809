"""The sort keys of trees, written a second time in Python, to compare the database with."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
Steps = tuple[int, ...]


def between(before: Steps, after: Steps | None) -> Steps:
    """A sequence after one and before the other; a prefix comes first."""
    if after is None:
        return (before[0] + 1,)
    same = next(
        (i for i, (low, high) in enumerate(zip(before, after, strict=False)) if low != high),
        len(before),
    )
    if same == len(before):
        return (*before, after[same] - 1)
    if after[same] - before[same] >= 2:
        return (*before[:same], before[same] + 1)
    if same == len(before) - 1:
        return (*before, 0)
    return (*before[: same + 1], before[same + 1] + 1)


def encode(steps: Steps) -> str:
    """The text of a sequence."""
    return "".join(map(_encode, steps))


def _encode(step: int) -> str:
    if -20 <= step <= 20:
        return ALPHABET[31 + step]
    rest, digits = abs(step) - 21, []
    while rest or not digits:
        rest, digit = divmod(rest, 62)
        digits.insert(0, digit)
    if step > 0:
        return ALPHABET[51 + len(digits)] + "".join(ALPHABET[d] for d in digits)
    return ALPHABET[11 - len(digits)] + "".join(ALPHABET[61 - d] for d in digits)


class Tree:
    """A thread as nodes in depth-first order, each new one the last child of its parent."""

    def __init__(self) -> None:
        self.order: list[int] = [0]
        self.parents: dict[int, int] = {}
        self.depths: dict[int, int] = {0: 1}
        self.steps: dict[int, Steps] = {0: (0,)}

    def add(self, parent: int) -> tuple[Steps, Steps | None]:
        """A new child; answers what its key has to stand between."""
        new, at = len(self.order), self.order.index(parent) + 1
        while at < len(self.order) and self.depths[self.order[at]] > self.depths[parent]:
            at += 1
        before = self.steps[self.order[at - 1]]
        after = self.steps[self.order[at]] if at < len(self.order) else None
        self.order.insert(at, new)
        self.parents[new], self.depths[new] = parent, self.depths[parent] + 1
        self.steps[new] = between(before, after)
        return before, after

    def depth_first(self) -> list[int]:
        """The nodes in depth-first order, worked out from the parents alone."""
        children: dict[int, list[int]] = {}
        for node in sorted(self.parents):
            children.setdefault(self.parents[node], []).append(node)
        found, waiting = [], [0]
        while waiting:
            node = waiting.pop()
            found.append(node)
            waiting += reversed(children.get(node, []))
        return found
