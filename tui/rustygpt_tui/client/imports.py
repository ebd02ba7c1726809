"""Imports of conversations: the call, which sends a file as it is read."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO, Final

from rustygpt_shared.models.exports import ImportResult
from rustygpt_tui.client.exports import OnBytes
from rustygpt_tui.client.transport import Transport, new_key
from rustygpt_tui.errors import UsageError

_PART_BYTES: Final = 131_072
_CHANGED: Final = "The file was changed while it was read; import it again."
_PATH: Final = "/api/conversations/import"


class ImportCalls(Transport):
    """The call of imports."""

    async def import_conversations(
        self, file: BinaryIO, size: int | None, *, on_bytes: OnBytes
    ) -> ImportResult:
        """Create conversations from a file of a size, if that is known.

        `on_bytes` gets how much the server has read: it reads no faster than it stores. A server
        that finds an error in the file says where.
        """
        headers = {"Content-Type": "application/octet-stream"}
        if size is not None:
            headers["Content-Length"] = str(size)
        content = _parts(file, size, on_bytes)
        return await self.upload(_PATH, content, ImportResult, headers=headers, key=new_key())


def open_import(path: Path) -> tuple[BinaryIO, int | None]:
    """Open a file that is to be imported, and return its size; None for a pipe or a device.

    Raises UsageError if it cannot be read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise UsageError(f"{path} cannot be read: {reason}.") from None
    shown = os.fstat(file.fileno())
    return file, shown.st_size if stat.S_ISREG(shown.st_mode) else None


def imported_text(result: ImportResult) -> str:
    """Return a sentence on what was imported, and one on what was left out or changed."""
    count = len(result.conversations)
    noun = "conversation" if count == 1 else "conversations"
    text = f"Imported {count:,} {noun} with {result.messages:,} messages."
    left_out = ", ".join(f"{part.what} ({part.count:,})" for part in result.left_out)
    return f"{text} Left out or changed: {left_out}." if left_out else text


async def _parts(file: BinaryIO, size: int | None, on_bytes: OnBytes) -> AsyncIterator[bytes]:
    count = 0
    while part := await asyncio.to_thread(file.read, _PART_BYTES):
        if size is not None and count + len(part) > size:
            raise UsageError(_CHANGED)
        yield part
        count += len(part)
        on_bytes(count)
    if size is not None and count < size:
        raise UsageError(_CHANGED)
