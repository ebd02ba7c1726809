"""Exports in JSON Lines and in JSON: the same structs, one per line or in one document."""

from collections.abc import AsyncIterator, Sequence
from typing import Final, Protocol

from rustygpt_shared import codec
from rustygpt_shared.models.exports import (
    ExportedMessage,
    ExportedRevision,
    ExportFooter,
    ExportHeader,
)

Revisions = AsyncIterator[Sequence[ExportedRevision]]
"""The earlier texts of a message, in pages."""


class ExportWriter(Protocol):
    """Turns the parts of an export into the bytes of a file."""

    @property
    def content_type(self) -> str:
        """The media type of the file."""

    @property
    def suffix(self) -> str:
        """The last part of the file's name."""

    def header(self, header: ExportHeader) -> bytes:
        """Return the beginning of the file."""

    def message(self, message: ExportedMessage, revisions: Revisions) -> AsyncIterator[bytes]:
        """Yield a message; the next message of a thread follows it depth first."""

    def footer(self, footer: ExportFooter) -> bytes:
        """Return the end of the file."""


class JsonLinesWriter:
    """One struct per line."""

    content_type: Final = "application/x-ndjson"
    suffix: Final = "jsonl"

    def header(self, header: ExportHeader) -> bytes:
        """Return the first line."""
        return codec.encode(header) + b"\n"

    async def message(self, message: ExportedMessage, revisions: Revisions) -> AsyncIterator[bytes]:
        """Yield the line of a message, in parts."""
        async for part in _message(message, revisions):
            yield part
        yield b"\n"

    def footer(self, footer: ExportFooter) -> bytes:
        """Return the last line."""
        return codec.encode(footer) + b"\n"


class JsonWriter:
    """One object, whose member `messages` has a line for each message."""

    content_type: Final = "application/json"
    suffix: Final = "json"

    def __init__(self) -> None:
        self._separator = b"\n"

    def header(self, header: ExportHeader) -> bytes:
        """Return the members of the header, and the beginning of `messages`."""
        return codec.encode(header)[:-1] + b',"messages":['

    async def message(self, message: ExportedMessage, revisions: Revisions) -> AsyncIterator[bytes]:
        """Yield an element of `messages`, in parts."""
        yield self._separator
        self._separator = b",\n"
        async for part in _message(message, revisions):
            yield part

    def footer(self, footer: ExportFooter) -> bytes:
        """Return the end of the document."""
        return b'\n],"footer":' + codec.encode(footer) + b"}\n"


async def _message(message: ExportedMessage, revisions: Revisions) -> AsyncIterator[bytes]:
    """Yield a message as JSON, its revisions page by page: they may be large."""
    data = codec.encode(message)
    opening = data[:-1] + b',"revisions":['
    separator = opening
    async for page in revisions:
        for revision in page:
            yield separator + codec.encode(revision)
            separator = b","
    yield data if separator is opening else b"]}"
