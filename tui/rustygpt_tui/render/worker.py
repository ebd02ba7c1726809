"""The child process that renders texts with colours, and highlights code."""

import time
from typing import Final

from rustygpt_shared.deadline.worker import TooSlow, allowance, serve
from rustygpt_tui.render import Line
from rustygpt_tui.render.highlighting import highlight
from rustygpt_tui.render.markdown import render
from rustygpt_tui.render.tasks import ColourTask, decode_task, encode

CPU_SECONDS: Final = 1.0
"""The processor time of one task. Nobody waits for it: the text is shown meanwhile."""
COLOUR_SECONDS: Final = 0.25
"""The part of it that the colours of all its code may take."""
_MEMORY_BYTES: Final = 512 * 1024 * 1024


def main() -> None:
    """Work on tasks until standard input ends."""
    serve(handle, cpu_seconds=CPU_SECONDS, memory_bytes=_MEMORY_BYTES)


def handle(data: bytes) -> bytes:
    """Return the encoded lines that an encoded task asks for."""
    task = decode_task(data)
    colours = _TimedColours()
    if isinstance(task, ColourTask):
        return encode(colours(task.code, task.language) or [])
    return encode(render(task.text, task.limit, colours))


class _TimedColours:
    """The colours of the code of one task, until their time is used up."""

    def __init__(self) -> None:
        self._left = COLOUR_SECONDS

    def __call__(self, code: str, language: str) -> list[Line] | None:
        if self._left <= 0:
            return None
        start = time.process_time()
        try:
            with allowance(self._left):
                return highlight(code, language)
        except TooSlow:
            return None
        finally:
            self._left -= time.process_time() - start
