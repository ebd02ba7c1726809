"""The lines of a text that still grows.

Units that ended keep their lines; only the open tail is rendered again, so a piece costs what the
tail costs and not what the text does. Once finished, the lines are those of the whole text.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rustygpt_tui.render import Line
from rustygpt_tui.render.fence import OpenFence
from rustygpt_tui.render.markdown import render, render_unit
from rustygpt_tui.render.prose import Prose
from rustygpt_tui.render.text import clean
from rustygpt_tui.render.units import Unit, units


class StreamingText:
    """A growing Markdown text, rendered at one width."""

    def __init__(self, limit: int, text: str = "") -> None:
        self._limit = limit
        self._whole: list[str] = []
        self._tail = ""
        self._kept: list[Line] = []
        self._open: list[Line] = []
        self._env: dict[str, Any] = {}
        self._carry: Unit | None = None
        self._fence: OpenFence | None = None
        self._prose = Prose(limit)
        self._base = 0
        self.recoloured = 0
        if text:
            self.append(text)

    @property
    def text(self) -> str:
        """Everything so far, without what may not reach a terminal."""
        return "".join(self._whole)

    @property
    def kept(self) -> Sequence[Line]:
        """Lines that no later piece changes, save that `recoloured` counts changes of colour."""
        return self._kept

    @property
    def open(self) -> Sequence[Line]:
        """Lines of the tail, which the next piece may change."""
        return self._open

    def append(self, piece: str) -> None:
        """Take a further piece of the text."""
        fresh = clean(piece)
        self._whole.append(fresh)
        self._tail += fresh
        if self._fence:
            self._feed(self._fence)
        elif "\n" in fresh:
            self._settle()
        if self._fence is None:
            self._draw()

    def finish(self) -> list[Line]:
        """All lines, exactly as `render` makes them of the whole text."""
        return render(self.text, self._limit)

    def _settle(self) -> None:
        """Keep the units that ended; whole lines only can tell that one did."""
        ended = self._tail.rfind("\n") + 1
        rows = self._tail[:ended].split("\n")
        found = self._numbered(units(self._tail[:ended], self._env))
        if not found:
            return
        for unit in found[:-1]:
            self._keep(unit)
        last = found[-1]
        self._carry = last
        self._tail = "\n".join(self._tail.split("\n")[last.start :])
        self._fence = OpenFence.of(rows, last, self._limit)
        if self._fence:
            self._enter(self._fence)

    def _keep(self, unit: Unit) -> None:
        first = not self._kept
        self._kept.extend(render_unit(unit, self._limit, self._env, first=first))

    def _enter(self, fence: OpenFence) -> None:
        """Go on with a fence by itself: what is in the tail are its lines so far."""
        if self._kept:
            self._kept.append(())
        self._base = len(self._kept)
        self._carry = None
        self._tail = self._tail.partition("\n")[2]
        self._feed(fence)

    def _feed(self, fence: OpenFence) -> None:
        """Keep the fence's whole lines, up to the one that closes it."""
        *rows, partial = self._tail.split("\n")
        for index, row in enumerate(rows):
            if fence.closes(row):
                self._tail = "\n".join([*rows[index + 1 :], partial])
                self._leave(fence)
                return
            if fence.add(row):
                self._recolour(fence)
            else:
                self._kept.extend(fence.render_row(row))
        self._tail = partial
        self._open = fence.render_row(partial) if partial and not fence.closes(partial) else []

    def _leave(self, fence: OpenFence) -> None:
        if not fence.settled:
            self._recolour(fence)
        self._fence = None
        if "\n" in self._tail:
            self._settle()

    def _recolour(self, fence: OpenFence) -> None:
        self._kept[self._base :] = fence.render()
        self.recoloured += 1

    def _draw(self) -> None:
        found = self._numbered(units(self._tail, dict(self._env)))
        if len(found) == 1 and found[0].tokens[0].type == "paragraph_open":
            prose = self._prose.lines(found[0].tokens[1].content, self._env)
            self._open = [(), *prose] if self._kept else prose
            return
        lines: list[Line] = []
        for unit in found:
            first = not self._kept and not lines
            lines.extend(render_unit(unit, self._limit, self._env, first=first))
        self._open = lines

    def _numbered(self, found: list[Unit]) -> list[Unit]:
        """Units of the tail; its first goes on with the list the unit before it belonged to."""
        carry = self._carry
        if not found or carry is None or not found[0].marker or found[0].marker != carry.marker:
            return found
        numbered: list[Unit] = []
        number = carry.number
        for index, unit in enumerate(found):
            if index and not unit.follows:
                return [*numbered, *found[index:]]
            follows = carry.follows if index == 0 else True
            numbered.append(replace(unit, number=number, follows=follows))
            number = None if number is None else number + 1
        return numbered
