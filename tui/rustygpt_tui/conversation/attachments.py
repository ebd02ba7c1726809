"""Reading text files to attach them: bounded, and without waiting for what may never come."""

import os
import stat
from pathlib import Path
from typing import Final

from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.client.typed_text import typed_text
from rustygpt_tui.errors import UsageError
from rustygpt_tui.store.attachment import Attachment

_MAX_BYTES: Final = 4 * MESSAGE_MAX
_NAME_LENGTH: Final = 100


def read_attachment(path: Path, *, may_wait: bool = False) -> Attachment:
    """Return a file as an attachment; raise UsageError with the reason when that is impossible.

    With `may_wait`, a pipe is read to its end; otherwise only regular files are.
    """
    try:
        data = _read(path, may_wait=may_wait)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise _refusal(path, (error.strerror or "it cannot be read").lower()) from None
    except UnicodeDecodeError:
        raise _refusal(path, "it is not text in UTF-8") from None
    if "\0" in text:
        raise _refusal(path, "it is not text")
    return attachment(path.name, text)


def attachment(name: str, text: str) -> Attachment:
    """Return a text as an attachment; raise UsageError when it is empty or too long."""
    clean = typed_text(text).strip("\n")
    if not clean.strip():
        raise _refusal(Path(name), "it is empty")
    if len(clean) > MESSAGE_MAX:
        raise _refusal(Path(name), _TOO_LONG)
    return Attachment(clean_name(name), clean)


def clean_name(name: str) -> str:
    """Return the name of a file on one line, of a bounded length, and without code marks."""
    return one_line(name).replace("`", "'")[:_NAME_LENGTH].strip() or "file"


_TOO_LONG: Final = f"it is longer than a message ({MESSAGE_MAX:,} characters)"


def _read(path: Path, *, may_wait: bool) -> bytes:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY
    descriptor = os.open(path, flags if may_wait else flags | os.O_NONBLOCK)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise _refusal(path, "it is a folder")
        if not stat.S_ISREG(mode) and not (may_wait and stat.S_ISFIFO(mode)):
            raise _refusal(path, "it is not a file but a device, a pipe or a socket")
        data = bytearray()
        while part := os.read(descriptor, _MAX_BYTES + 1 - len(data)):
            data += part
            if len(data) > _MAX_BYTES:
                raise _refusal(path, _TOO_LONG)
    finally:
        os.close(descriptor)
    return bytes(data)


def _refusal(path: Path, reason: str) -> UsageError:
    return UsageError(f"{one_line(path.name or str(path))} cannot be attached: {reason}.")
