"""Renders the texts of messages within a bound per turn of the event loop, so that keys go on.

Short texts are rendered at once, without colours. Long ones, and those beyond what one turn may
render, are shown as they are written first. A service renders both again, in a process of its own.
Its result replaces what is shown; colours alone never change the rows.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from rustygpt_tui.render import Line
from rustygpt_tui.render.code import no_colours
from rustygpt_tui.render.cost import MAX_AT_ONCE, MAX_PER_TURN, cost
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.plain_text import plain_lines
from rustygpt_tui.render.service import RenderService
from rustygpt_tui.render.streaming_markdown import StreamingMarkdown
from rustygpt_tui.render.tasks import RenderTask


class Rendered(NamedTuple):
    """Lines of a text, and the task whose result will replace them, if there is one."""

    lines: list[Line]
    task: RenderTask | None = None


class TextRenderer:
    """Renders texts for one terminal."""

    def __init__(self, service: RenderService | None = None) -> None:
        """Without a service every text is rendered at once, however long that takes."""
        self.service = service
        self._left = MAX_PER_TURN

    def render(self, text: str, limit: int, shown: Sequence[Line] | None = None) -> Rendered:
        """Return the lines of a text, at most `limit` cells wide.

        `shown` are lines to show instead of the text as written until they are rendered.
        """
        if self.service is None:
            return Rendered(render(text, limit))
        task = RenderTask(text, limit)
        if self.service.is_done(task):
            return Rendered(self._done(self.service, task))
        if self._may_render(text):
            asked = _Asked()
            lines = render(text, limit, asked)
            if not asked.has_code:
                return Rendered(lines)
        else:
            lines = list(shown) if shown is not None else plain_lines(text, limit)
        self.service.request(task)
        return Rendered(lines, task)

    def stream(self, limit: int) -> StreamingMarkdown:
        """Return the stream of a growing text."""
        return StreamingMarkdown(limit, "", self.service.colours if self.service else no_colours)

    def _done(self, service: RenderService, task: RenderTask) -> list[Line]:
        lines = service.lines(task)
        if cost(task.text) > MAX_AT_ONCE:
            return plain_lines(task.text, task.limit) if lines is None else lines
        if lines is not None:
            return lines
        return render(task.text, task.limit)

    def _may_render(self, text: str) -> bool:
        """Return whether a text may be rendered in this turn, and count it."""
        units = cost(text)
        if units > MAX_AT_ONCE or units > self._left:
            return False
        if self._left == MAX_PER_TURN:
            asyncio.get_running_loop().call_soon(self._begin_turn)
        self._left -= units
        return True

    def _begin_turn(self) -> None:
        self._left = MAX_PER_TURN


class _Asked:
    """Colours of nothing; remembers whether there is code that could have some."""

    has_code = False

    def __call__(self, _code: str, _language: str) -> None:
        self.has_code = True
