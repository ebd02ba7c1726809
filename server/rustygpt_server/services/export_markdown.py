"""Exports in Markdown, for people: numbered messages, each in a block quote of its own.

Messages are Markdown of users. A block quote contains whatever blocks they begin: none reaches
beyond it (CommonMark 0.31, section 5.1). Raw HTML would, so `<` becomes an entity, except in fenced
code. Names and titles are text only: all their punctuation is escaped.
"""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Final

from rustygpt_server.services.export_json import Revisions
from rustygpt_shared.models.exports import (
    ExportedMessage,
    ExportedParticipant,
    ExportFooter,
    ExportHeader,
)

_PUNCTUATION = re.compile(r"([!-&(-+\--/:-@\[-`{-~])")
_LINE_END = re.compile(r"\r\n|\r|\n")
_FENCE = re.compile(r"(`{3,})[^`]*|(~{3,}).*")
"""The start of fenced code at the left edge, where nothing else can contain it."""


class MarkdownWriter:
    """One section per thread; a message says which one it answers, unless it is the one before."""

    content_type: Final = "text/markdown; charset=utf-8"
    suffix: Final = "md"

    def __init__(self) -> None:
        self._number = 0
        self._threads = 0
        self._numbers: list[int] = []
        """The numbers of the last message and of the messages above it, by depth."""

    def header(self, header: ExportHeader) -> bytes:
        """Return title, participants and settings."""
        conversation = header.conversation
        people = "".join(f"- {_person(person)}\n" for person in header.participants)
        lines = [
            f"# {_text(conversation.title)}\n",
            f"Exported {_time(header.exported_at)}. Created {_time(conversation.created_at)}.\n",
            f"Participants:\n\n{people}",
        ]
        if conversation.system_prompt:
            lines.append(f"Instructions to the assistant:\n\n{_quote(conversation.system_prompt)}")
        return "\n".join(lines).encode()

    async def message(self, message: ExportedMessage, revisions: Revisions) -> AsyncIterator[bytes]:
        """Yield a message with its number, author and time, then its earlier texts."""
        self._number += 1
        if message.depth == 1:
            self._threads += 1
            yield f"\n---\n\n## Thread {self._threads}\n".encode()
        yield f"\n### {self._number}. {_author(message)}\n\n".encode()
        yield " · ".join(self._facts(message)).encode() + b"\n\n"
        if message.reasoning:
            yield f"Reasoning:\n\n{_quote(message.reasoning)}\nAnswer:\n\n".encode()
        yield _quote(message.content).encode() if message.content else b""
        async for page in revisions:
            for revision in page:
                ended = f"Text until {_time(revision.replaced_at)} ({_text(revision.change)}):"
                yield f"\n{ended}\n\n{_quote(revision.content)}".encode()

    def footer(self, footer: ExportFooter) -> bytes:
        """Return the last line, which says that the export is complete."""
        counts = f"messages: {footer.messages:,}, threads: {footer.threads:,}"
        return f"\n---\n\nEnd of the export ({counts}).\n".encode()

    def _facts(self, message: ExportedMessage) -> Iterator[str]:
        parent = self._parent(message.depth)
        yield _time(message.created_at)
        if parent not in (None, self._number - 1):
            yield f"in reply to {parent}"
        if message.edited_at:
            yield f"edited {_time(message.edited_at)}"
        if message.deleted_at:
            yield f"deleted {_time(message.deleted_at)}"
        if message.streaming:
            yield "in progress"
        if message.finish_reason not in (None, "stop"):
            yield _text(str(message.finish_reason))
        if message.error:
            yield _text(message.error.message)
        if message.url:
            yield f"[link]({message.url})"

    def _parent(self, depth: int) -> int | None:
        """Return the number of the message above, and keep that of the present one."""
        del self._numbers[depth - 1 :]
        parent = self._numbers[-1] if self._numbers else None
        self._numbers.append(self._number)
        return parent


def _person(person: ExportedParticipant) -> str:
    name = f"{_text(person.display_name)} " if person.display_name else ""
    return f"{name}(@{_text(person.username)}), {_text(person.role)}"


def _author(message: ExportedMessage) -> str:
    if message.role != "user":
        return _text(f"{message.role}, {message.model}" if message.model else message.role)
    name = message.author_name or message.author or "somebody"
    is_other = message.author is not None and message.author != name
    return f"{_text(name)} (@{_text(message.author or '')})" if is_other else _text(name)


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _text(text: str) -> str:
    """Return a text on one line, without any Markdown in it."""
    return _PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def _quote(text: str) -> str:
    """Return a text as a block quote that nothing in it can leave."""
    return "".join(f"> {line}\n" if line else ">\n" for line in _without_html(text))


def _without_html(text: str) -> Iterator[str]:
    """Yield the lines of a text, with `<` as an entity where it could begin HTML."""
    fence: str | None = None
    for line in _LINE_END.split(text):
        if fence:
            stripped = line.rstrip(" \t").lstrip(" ")
            is_end = len(line) - len(line.lstrip(" ")) <= 3 and len(stripped) >= len(fence)
            if is_end and set(stripped) == {fence[0]}:
                fence = None
            yield line
        elif start := _FENCE.fullmatch(line):
            fence = start[1] or start[2]
            yield line.replace("<", "&lt;")
        else:
            yield line.replace("<", "&lt;")
