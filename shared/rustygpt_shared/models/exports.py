"""The format of exported conversations, `rustygpt-export`, and the result of an import.

How a file is written and read is up to the server; docs/export-format.md describes the format.
"""

from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from rustygpt_shared.models import Model
from rustygpt_shared.models.messages import MessageError, Usage

EXPORT_FORMAT: Final = "rustygpt-export"
EXPORT_VERSION: Final = 1
ExportFileFormat = Literal["jsonl", "json", "markdown"]


class ExportedConversation(Model, frozen=True):
    """The conversation of an export."""

    id: UUID
    title: str
    is_group: bool
    assistant_mode: str
    created_at: datetime
    model: str | None = None
    system_prompt: str | None = None
    """Only in exports of owners and administrators of the conversation."""
    archived_at: datetime | None = None


class ExportedParticipant(Model, frozen=True):
    """A participant at the time of the export."""

    username: str
    role: str
    joined_at: datetime
    display_name: str | None = None


class ExportHeader(Model, frozen=True, omit_defaults=True, tag_field="type", tag="header"):
    """The first line of an export in JSON Lines; the first members of one in JSON."""

    format: str
    """Always `rustygpt-export`."""
    version: int
    exported_at: datetime
    conversation: ExportedConversation
    participants: list[ExportedParticipant]
    root_id: UUID | None = None
    """The thread, if only one was exported."""


class ExportedRevision(Model, frozen=True):
    """An earlier text of a message, or the text of a deleted one."""

    number: int
    content: str
    written_at: datetime
    change: str
    """What ended it: `edited` or `deleted`."""
    replaced_at: datetime
    replaced_by: str | None = None
    """The user name of the participant who did it."""
    reasoning: str | None = None
    reason: str | None = None


class ExportedMessage(Model, frozen=True, tag_field="type", tag="message"):
    """A message of an export: a line of one in JSON Lines."""

    id: UUID
    root_id: UUID
    depth: int
    seq: int
    role: str
    content: str
    """Empty for a deleted message."""
    created_at: datetime
    parent_id: UUID | None = None
    """A message that comes earlier in the file; a root has none."""
    author: str | None = None
    """The user name of the person who wrote it."""
    author_name: str | None = None
    """The name of that person when the message was written."""
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    deleted_by: str | None = None
    model: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    error: MessageError | None = None
    streaming: bool = False
    """True for an answer that was in progress: its text is not in the export."""
    url: str | None = None
    """Where clients show the message."""
    revisions: list[ExportedRevision] = []
    """Earlier texts, latest first; only in exports of owners and administrators."""


class ExportFooter(Model, frozen=True, tag_field="type", tag="footer"):
    """The last line of an export: a file without it is not complete."""

    messages: int
    threads: int


EXPORT_LINES: Final = (ExportHeader, ExportedMessage, ExportFooter)
"""What the lines of an export are."""


ImportFormat = Literal["rustygpt", "chatgpt", "open_webui"]


class ImportedConversation(Model, frozen=True):
    """A conversation that an import has created."""

    conversation_id: UUID
    title: str
    threads: int
    messages: int


class LeftOut(Model, frozen=True):
    """Something that a file had, and that was not imported."""

    what: str
    count: int


class ImportResult(Model, frozen=True):
    """What an import has created, and what it has left out."""

    format: ImportFormat
    conversations: list[ImportedConversation]
    messages: int
    left_out: list[LeftOut]
