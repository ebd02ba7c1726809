"""Exports of conversations: the call, and the file that it is saved to."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import urlencode
from uuid import UUID

from rustygpt_shared.models.exports import ExportFileFormat
from rustygpt_shared.new_files import publish
from rustygpt_tui.client.problems import unreadable_response
from rustygpt_tui.client.transport import Transport
from rustygpt_tui.errors import OutputFailed

SUFFIXES: Final[dict[ExportFileFormat, str]] = {
    "jsonl": ".jsonl",
    "json": ".json",
    "markdown": ".md",
}
SILENCE_SECONDS: Final = 60.0
_WRITE_BYTES: Final = 262_144

OnBytes = Callable[[int], object]
"""Gets the number of bytes so far."""


class ExportCalls(Transport):
    """The calls of exports."""

    @asynccontextmanager
    async def export_conversation(
        self, id: UUID, file_format: ExportFileFormat, root_id: UUID | None = None
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the export of a conversation, or of one thread; its bytes arrive as they are read.

        Reading raises Unreachable when the export is broken off.
        """
        query = {"format": file_format, **({"root_id": str(root_id)} if root_id else {})}
        path = f"/api/conversations/{id}/export?{urlencode(query)}"
        async with self.stream(path, {"Accept": "*/*"}, SILENCE_SECONDS) as response:
            if response.headers.get("content-encoding", "identity").lower() != "identity":
                raise unreadable_response(self.origin)
            yield response.aiter_raw()


async def save_export(
    chunks: AsyncIterator[bytes], target: Path, *, on_bytes: OnBytes, overwrite: bool
) -> None:
    """Write an export to a new file beside its target, which takes its place when complete.

    What is no file, as a pipe or a device, stays, and is written to. A link stays, too: its target
    is replaced. Raises OutputFailed when it cannot be written, or exists and is not to be
    overwritten.
    """
    if overwrite:
        target, is_special = await asyncio.to_thread(_followed, target)
        if is_special:
            await _write_through(chunks, target, on_bytes)
            return
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name[:60]}.")
    except OSError as error:
        raise _not_written(target, error) from None
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            await _write(chunks, file, on_bytes)
        await asyncio.to_thread(_replace, temporary, target, overwrite)
    except OSError as error:
        raise _not_written(target, error) from None
    finally:
        _discard(temporary)


def _followed(target: Path) -> tuple[Path, bool]:
    """Return where a path leads, and whether that is a pipe or a device."""
    is_special = target.exists() and not target.is_file()
    return (target if is_special else target.resolve()), is_special


async def _write_through(chunks: AsyncIterator[bytes], target: Path, on_bytes: OnBytes) -> None:
    try:
        # Opening a pipe waits until somebody reads it.
        with await asyncio.to_thread(target.open, "wb", 0) as file:
            count = 0
            async for chunk in chunks:
                count += len(chunk)
                await asyncio.to_thread(_write_all, file, chunk)
                on_bytes(count)
    except OSError as error:
        raise _not_written(target, error) from None


def _write_all(file: FileIO, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def progress_text(verb: str, count: int, total: int | None) -> str:
    """Return how far it is: `Importing: 12.3 of 40.0 MB (31 %)`."""
    megabytes = f"{count / 1e6:,.1f}"
    if not total:
        return f"{verb}: {megabytes} MB"
    return f"{verb}: {megabytes} of {total / 1e6:,.1f} MB ({100 * count // total} %)"


async def _write(chunks: AsyncIterator[bytes], file: BinaryIO, on_bytes: OnBytes) -> None:
    buffer = bytearray()
    count = 0
    async for chunk in chunks:
        buffer += chunk
        count += len(chunk)
        if len(buffer) >= _WRITE_BYTES:
            await asyncio.to_thread(file.write, bytes(buffer))
            buffer.clear()
        on_bytes(count)
    await asyncio.to_thread(_finish, file, bytes(buffer))


def _finish(file: BinaryIO, rest: bytes) -> None:
    """Write the last bytes, and wait until the disk has all of them."""
    file.write(rest)
    file.flush()
    os.fsync(file.fileno())


def _discard(temporary: Path) -> None:
    with suppress(OSError):
        temporary.unlink(missing_ok=True)


def _replace(temporary: Path, target: Path, overwrite: bool) -> None:
    """Give the file its name; a link fails where the name is taken, also at the last moment."""
    if overwrite:
        temporary.replace(target)
    else:
        publish(temporary, target)


def _not_written(target: Path, error: OSError) -> OutputFailed:
    if isinstance(error, FileExistsError):
        return OutputFailed(f"{target} exists already; choose another name.")
    reason = (error.strerror or "it cannot be written").lower()
    return OutputFailed(f"{target} cannot be written: {reason}.")
