"""Exports: the messages of a conversation, in pages."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from rustygpt_server.db.database import Database
from rustygpt_server.telemetry import client_address
from rustygpt_shared import codec
from rustygpt_shared.models.exports import ExportedMessage
from rustygpt_shared.models.messages import MessageError, Usage


class ExportScope(Struct, frozen=True):
    """What is exported: a conversation as it was at an event number, or one thread of it."""

    conversation_id: UUID
    position: int
    root_id: UUID | None = None


class ExportPage(Struct, frozen=True):
    """Messages in the order of threads and paths; the last one's place continues after it."""

    messages: list[ExportedMessage]
    last: tuple[UUID, str] | None
    """Thread and path of the last message; None if there is none."""


async def export_messages(
    db: Database, actor: UUID, scope: ExportScope, after: tuple[UUID, str] | None, limit: int
) -> ExportPage:
    """Return the messages after a place; raise NotFound for users who are not participants."""
    root_id, path = after or (None, None)
    rows = await db.fetch(
        "SELECT * FROM rustygpt.export_messages($1, $2, $3, $4, $5, $6, $7)",
        actor,
        scope.conversation_id,
        scope.position,
        scope.root_id,
        root_id,
        path,
        limit,
    )
    last = (rows[-1][2], rows[-1][0]) if rows else None
    return ExportPage([_message(*row) for row in rows], last)


async def record_export(
    db: Database, actor: UUID, conversation_id: UUID, root_id: UUID | None, file_format: str
) -> None:
    """Write an audit entry about an export; raise NotFound for users who are not participants."""
    await db.fetch_value(
        "SELECT rustygpt.record_export(rustygpt.from_address($1::uuid, $5), $2, $3, $4)",
        actor,
        conversation_id,
        root_id,
        file_format,
        client_address(),
    )


def _message(_path: str, *row: Any) -> ExportedMessage:
    names = (
        *("id", "root_id", "role", "content", "depth", "seq", "created_at", "parent_id", "author"),
        *("author_name", "edited_at", "deleted_at", "deleted_by", "model", "reasoning"),
        *("finish_reason", "usage", "error", "streaming"),
    )
    fields = dict(zip(names, row, strict=True))
    fields["usage"] = codec.decode(fields["usage"], Usage) if fields["usage"] else None
    fields["error"] = codec.decode(fields["error"], MessageError) if fields["error"] else None
    return ExportedMessage(**fields)
