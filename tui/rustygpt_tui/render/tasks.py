"""What the rendering process is asked for: the colours of code, or the lines of a whole text."""

import msgspec

from rustygpt_tui.render import Span


class ColourTask(msgspec.Struct, frozen=True, tag="colour"):
    """The lines of code in a language, with token styles."""

    code: str
    language: str


class RenderTask(msgspec.Struct, frozen=True, tag="render"):
    """The lines of a Markdown text, at most `limit` cells wide."""

    text: str
    limit: int


Task = ColourTask | RenderTask
Lines = list[tuple[Span, ...]]

encode = msgspec.msgpack.Encoder().encode
decode_task = msgspec.msgpack.Decoder(Task).decode
decode_lines = msgspec.msgpack.Decoder(Lines).decode
