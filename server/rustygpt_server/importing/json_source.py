"""JSON that arrives in parts: values are found, but not decoded, as soon as they are complete.

Each function is a generator that yields NEED while more of the file has to arrive. Whether a value
is valid JSON is left to its decoder.
"""

import re
from collections.abc import Generator, Iterator
from typing import Final, NamedTuple, TypeVar

from rustygpt_server.importing.errors import BadFile

T = TypeVar("T")

MAX_VALUE_BYTES: Final = 33_554_432
"""The largest conversation of other programs, and the largest message of ours."""
_SPACE = re.compile(rb"[ \t\r\n]*")
_OPEN: Final = b"[{"
_IN_VALUE = re.compile(rb'["\[\]{}]')
_IN_STRING = re.compile(rb'["\\]')
_SCALAR_END = re.compile(rb"[\s,\]}]")
_BOM: Final = b"\xef\xbb\xbf"
ENDS_TOO_EARLY: Final = "The file ends in the middle; it is not complete"


class Need:
    """More of the file is needed."""


NEED: Final = Need()
Reading = Generator[Need, None, T]


class Source:
    """What has arrived of a file, and has not been taken."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.is_complete = False

    def take(self, count: int) -> bytes:
        """Remove and return the first bytes."""
        taken = bytes(self.buffer[:count])
        del self.buffer[:count]
        return taken

    def check_more(self, searched: int) -> None:
        """Raise BadFile where a value neither ends nor may become longer."""
        if self.is_complete:
            raise BadFile(ENDS_TOO_EARLY)
        if searched > MAX_VALUE_BYTES:
            raise BadFile(f"It is larger than {MAX_VALUE_BYTES >> 20} MiB")


class Member(NamedTuple):
    """A member of an object; for a list that is read item by item, one of its items."""

    key: str
    value: bytes


def skip_space(source: Source) -> Reading[bytes]:
    """Return the next byte that is no white space, without taking it; empty at the end."""
    while True:
        if found := _SPACE.match(source.buffer):
            del source.buffer[: found.end()]
        if source.buffer:
            return bytes(source.buffer[:1])
        if source.is_complete:
            return b""
        yield NEED


def skip_bom(source: Source) -> Reading[None]:
    """Remove a byte order mark."""
    while len(source.buffer) < len(_BOM) and not source.is_complete:
        yield NEED
    if source.buffer.startswith(_BOM):
        source.take(len(_BOM))


def expect(source: Source, wanted: bytes) -> Reading[bytes]:
    """Take and return the next byte that is no white space; raise BadFile for any other one."""
    found = yield from skip_space(source)
    if not found:
        raise BadFile(ENDS_TOO_EARLY)
    if found not in [wanted[i : i + 1] for i in range(len(wanted))]:
        raise BadFile("It is not JSON")
    return source.take(1)


def read_line(source: Source, limit: int) -> Reading[bytes | None]:
    """Take and return the next line without its end; None, and take nothing, beyond a limit."""
    searched = 0
    while (end := source.buffer.find(b"\n", searched)) < 0:
        searched = len(source.buffer)
        if searched > limit:
            return None
        if source.is_complete:
            return source.take(searched)
        yield NEED
    if end > limit:
        return None
    return source.take(end + 1)[:-1]


def read_value(source: Source) -> Reading[bytes]:
    """Take and return the next value, white space before it left out."""
    first = yield from skip_space(source)
    if not first:
        raise BadFile(ENDS_TOO_EARLY)
    if first not in (b'"', b"[", b"{"):
        return (yield from _read_scalar(source))
    end = yield from _find_end(source)
    return source.take(end)


def _read_scalar(source: Source) -> Reading[bytes]:
    searched = 0
    while (found := _SCALAR_END.search(source.buffer, searched)) is None:
        searched = len(source.buffer)
        if source.is_complete:
            return source.take(searched)
        source.check_more(searched)
        yield NEED
    return source.take(found.start())


def _find_end(source: Source) -> Reading[int]:
    """Return where the string, list or object at the beginning of the buffer ends."""
    at, depth, in_string = 0, 0, False
    while True:
        pattern = _IN_STRING if in_string else _IN_VALUE
        found = pattern.search(source.buffer, at)
        if found is None:
            at = max(at, len(source.buffer))
            source.check_more(at)
            yield NEED
            continue
        at = found.end()
        sign = found[0]
        if sign == b"\\":
            at += 1
        elif sign == b'"':
            in_string = not in_string
        else:
            depth += 1 if sign in _OPEN else -1
        if depth <= 0 and not in_string:
            return at


def read_items(source: Source) -> Iterator[Need | bytes]:
    """Yield the items of the list that begins here, each when it is complete."""
    yield from expect(source, b"[")
    if (yield from skip_space(source)) == b"]":
        source.take(1)
        return
    while True:
        yield (yield from read_value(source))
        if (yield from expect(source, b",]")) == b"]":
            return


def read_members(source: Source, item_by_item: str) -> Iterator[Need | Member]:
    """Yield the members of the object that begins here; those of one list item by item."""
    yield from expect(source, b"{")
    if (yield from skip_space(source)) == b"}":
        source.take(1)
        return
    while True:
        key = (yield from read_value(source)).decode("utf-8", "replace").strip('"')
        yield from expect(source, b":")
        if key == item_by_item and (yield from skip_space(source)) == b"[":
            for item in read_items(source):
                yield item if isinstance(item, Need) else Member(key, item)
        else:
            yield Member(key, (yield from read_value(source)))
        if (yield from expect(source, b",}")) == b"}":
            return
