"""The child process that reads files: parts of a file in, batches for the database out.

The parent sends START, then DATA for each part that has arrived and END after the last one. After
each of them it sends NEXT as long as a reply has a batch.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from msgspec import Struct

from rustygpt_server.importing.batches import Batch, BatchWriter
from rustygpt_server.importing.errors import BadFile
from rustygpt_server.importing.json_source import Need
from rustygpt_server.importing.reader import FileReader, Step
from rustygpt_shared import codec
from rustygpt_shared.deadline.worker import serve
from rustygpt_shared.models.exports import ImportedConversation, ImportFormat, LeftOut

START: Final = b"S"
DATA: Final = b"D"
END: Final = b"E"
NEXT: Final = b"N"
CPU_SECONDS: Final = 20.0
"""The processor time of one task: a conversation of 32 MiB takes about a second."""
_MEMORY_BYTES: Final = 1024 * 1024 * 1024


class Start(Struct, frozen=True):
    """What the reader of a file has to know."""

    username: str
    models: list[str]
    now: datetime


class Reply(Struct, frozen=True, omit_defaults=True):
    """What comes before a batch, on a line of its own.

    Without a batch more of the file is needed, or all of it has been read.
    """

    ended: list[ImportedConversation] = []
    """The conversations that end with this batch."""
    is_done: bool = False
    error: str | None = None
    """Why the file cannot be imported: one sentence."""
    format: ImportFormat = "rustygpt"
    messages: int = 0
    left_out: list[LeftOut] = []


class FileWorker:
    """Handles the tasks of one process."""

    def __init__(self) -> None:
        self._reader: FileReader
        self._steps: Iterator[Step]

    def handle(self, task: bytes) -> bytes:
        """Return the reply to a task."""
        kind, data = task[:1], task[1:]
        if kind == START:
            start = codec.decode(data, Start)
            self._reader = FileReader(BatchWriter(start.now), start.username, start.models)
            self._steps = iter(self._reader)
            return codec.encode(Reply()) + b"\n"
        if kind == DATA:
            self._reader.source.buffer += data
        elif kind == END:
            self._reader.source.is_complete = True
        try:
            step = next(self._steps, None)
        except BadFile as error:
            return codec.encode(Reply(error=str(error))) + b"\n"
        batch = codec.encode(step) if isinstance(step, Batch) else b""
        return codec.encode(self._reply(step)) + b"\n" + batch

    def _reply(self, step: Step | None) -> Reply:
        """Return what goes with a step; after the last one, what was left out."""
        if isinstance(step, Need):
            return Reply()
        writer = self._reader.writer
        ended, writer.ended = writer.ended, []
        if step is not None:
            return Reply(ended)
        left_out = [
            LeftOut(what, count) for what, count in sorted(writer.left_out.items()) if count
        ]
        return Reply(
            ended=ended,
            is_done=True,
            format=self._reader.format,
            messages=writer.message_count,
            left_out=left_out,
        )


def main() -> None:
    """Read files until standard input ends."""
    serve(FileWorker().handle, cpu_seconds=CPU_SECONDS, memory_bytes=_MEMORY_BYTES)
