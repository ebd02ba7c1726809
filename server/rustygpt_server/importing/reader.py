"""Reading a file of any of the formats: which one it is, and its conversations one by one."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from rustygpt_server.importing import chatgpt, open_webui
from rustygpt_server.importing.batches import Batch, BatchWriter, decode, in_parts
from rustygpt_server.importing.errors import BadFile, NotJson
from rustygpt_server.importing.json_source import (
    ENDS_TOO_EARLY,
    Need,
    Reading,
    Source,
    read_items,
    read_line,
    read_members,
    skip_bom,
    skip_space,
)
from rustygpt_server.importing.own_format import OwnFormatReader
from rustygpt_shared.models.exports import ImportFormat

_FIRST_LINE_BYTES: Final = 1_048_576
"""A first line that is longer is that of a document, not of JSON Lines."""
_LINE_BYTES: Final = 33_554_432
_HEADER: Final = ("type", "format", "version", "exported_at", "conversation", "participants")
UNKNOWN: Final = "This is no export of RustyGPT, ChatGPT (conversations.json) or Open WebUI"

Step = Need | Batch


class FileReader:
    """Reads one file; iterating it yields batches, and NEED where more has to arrive."""

    def __init__(self, writer: BatchWriter, username: str, models: list[str]) -> None:
        self.source = Source()
        self.writer = writer
        self.format: ImportFormat = "rustygpt"
        self._own = OwnFormatReader(writer, username, models)
        self._place = "At its beginning"

    def __iter__(self) -> Iterator[Step]:
        """Yield the steps; raise BadFile, with the place in the file."""
        try:
            yield from self._read()
        except BadFile as error:
            raise BadFile(f"{self._place}: {_lower(str(error))}.") from None
        batch = self.writer.take()
        if batch:
            yield from in_parts(batch)

    def _read(self) -> Iterator[Step]:
        yield from skip_bom(self.source)
        first = yield from skip_space(self.source)
        if first == b"[":
            yield from self._read_list()
        elif first == b"{":
            yield from self._read_object()
        elif self.source.buffer.startswith(b"PK"):
            raise BadFile("This is a ZIP archive; unpack it, and import conversations.json from it")
        else:
            raise BadFile(UNKNOWN if first else "The file is empty")
        if (yield from skip_space(self.source)):
            raise BadFile("There is something after the end of the conversations")

    def _read_list(self) -> Iterator[Step]:
        """Read a list of conversations of another program."""
        number = 1
        self._place = "Conversation 1"
        for item in read_items(self.source):
            if isinstance(item, Need):
                yield item
                continue
            self._add_foreign(item, number)
            number += 1
            self._place = f"Conversation {number:,}"
            yield from self._full()
        if number == 1:
            raise BadFile("The file has no conversations")

    def _add_foreign(self, data: bytes, number: int) -> None:
        conversation = decode(data, dict[str, Any])
        found, add = _foreign_format(conversation)
        if number == 1:
            self.format = found
        elif found != self.format:
            raise BadFile("It has another format than those before it")
        add(self.writer, conversation)

    def _read_object(self) -> Iterator[Step]:
        """Read JSON Lines, one conversation of another program, or a document of ours."""
        line = yield from self._first_line()
        if line is None:
            yield from self._read_members()
            return
        try:
            header = decode(line, dict[str, Any])
        except BadFile:
            self.source.buffer[:0] = line + b"\n"
            yield from self._read_members()
            return
        if header.get("format") == "rustygpt-export" and "messages" not in header:
            yield from self._read_lines(line)
        else:
            self.source.buffer[:0] = line + b"\n"
            yield from self._read_members()

    def _first_line(self) -> Reading[bytes | None]:
        return (yield from read_line(self.source, _FIRST_LINE_BYTES))

    def _read_lines(self, header: bytes) -> Iterator[Step]:
        """Read the lines after the header."""
        self._place = "Line 1"
        self._own.header(header)
        number = 1
        while True:
            number += 1
            self._place = f"Line {number:,}"
            line = yield from read_line(self.source, _LINE_BYTES)
            if line is None:
                raise BadFile(f"It is longer than {_LINE_BYTES >> 20} MiB")
            if not line.strip():
                if self.source.is_complete and not self.source.buffer:
                    raise BadFile(f"{ENDS_TOO_EARLY}: its last line has to be the footer")
                raise BadFile("It is empty")
            if self._add_line(line):
                return
            yield from self._full()

    def _add_line(self, line: bytes) -> bool:
        """Add a message, or end with the footer; return whether it was the footer."""
        try:
            if line.startswith(b'{"type":"footer"') or _type_of(line) == "footer":
                self._own.footer(line)
                return True
            self._own.message(line)
            return False
        except NotJson:
            if self.source.is_complete and not self.source.buffer:
                raise BadFile(ENDS_TOO_EARLY) from None
            raise

    def _read_members(self) -> Iterator[Step]:
        """Read one object: a document of ours, or one conversation of another program."""
        members: dict[str, bytes] = {}
        count = size = 0
        for member in read_members(self.source, "messages"):
            if isinstance(member, Need):
                yield member
            elif member.key == "messages" and self._is_own(members):
                count += 1
                if count == 1:
                    self._own.header(_object(members))
                self._place = f"Message {count:,}"
                self._own.message(member.value)
                yield from self._full()
            else:
                members[member.key] = member.value
                size += len(member.value) + 100
                if size > _LINE_BYTES:
                    raise BadFile(f"It is larger than {_LINE_BYTES >> 20} MiB")
        yield from self._end_members(members, count)

    def _end_members(self, members: dict[str, bytes], count: int) -> Iterator[Step]:
        if not self._is_own(members):
            self._place = "Conversation 1"
            self._add_foreign(_object(members), 1)
            yield from self._full()
            return
        if not count:
            self._own.header(_object(members))
        self._place = "At its end"
        if "footer" not in members:
            raise BadFile("The footer is missing: the file is not complete")
        self._own.footer(members["footer"])

    def _is_own(self, members: dict[str, bytes]) -> bool:
        return members.get("format") == b'"rustygpt-export"'

    def _full(self) -> Iterator[Step]:
        """Yield batches when there is enough for one."""
        if self.writer.is_full():
            batch = self.writer.take()
            if batch:
                yield from in_parts(batch)


def _foreign_format(
    conversation: dict[str, Any],
) -> tuple[ImportFormat, Callable[[BatchWriter, dict[str, Any]], None]]:
    if "mapping" in conversation:
        return "chatgpt", chatgpt.add_conversation
    if "chat" in conversation:
        return "open_webui", open_webui.add_conversation
    raise BadFile(UNKNOWN)


def _object(members: dict[str, bytes]) -> bytes:
    """Return the object with these members; those after the header of ours are left out."""
    parts = [b'"%b":%b' % (key.encode(), value) for key, value in members.items()]
    return b"{%b}" % b",".join(parts)


def _type_of(line: bytes) -> object:
    """Return the type of a line that some other program has written again."""
    return decode(line, dict[str, Any]).get("type") if b'"footer"' in line else None


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
