"""The child process that renders messages: UTF-8 text in, UTF-8 HTML out."""

from typing import Final

from rustygpt_server.rendering.html import HtmlRenderer
from rustygpt_shared.deadline.worker import serve

CPU_SECONDS: Final = 0.25
"""The processor time of one message."""
_MEMORY_BYTES: Final = 512 * 1024 * 1024


def main() -> None:
    """Render messages until standard input ends."""
    renderer = HtmlRenderer()
    serve(
        lambda text: renderer.render(text.decode()).encode(),
        cpu_seconds=CPU_SECONDS,
        memory_bytes=_MEMORY_BYTES,
    )
