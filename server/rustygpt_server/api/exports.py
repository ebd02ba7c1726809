"""The route of exports: a file that is sent as it is read from the database."""

import asyncio
import re
import unicodedata
from asyncio import WriteTransport
from collections.abc import AsyncIterator
from typing import Final, cast
from uuid import UUID

from sanic.response import HTTPResponse

from rustygpt_server.api import parameters, request_parsing
from rustygpt_server.api.routing import NO_STORE, Operation, RequestContext
from rustygpt_server.api.sse_response import configure_socket
from rustygpt_server.errors import RequestError
from rustygpt_server.services.exports import Export
from rustygpt_server.telemetry import log
from rustygpt_shared.models.exports import ExportFileFormat

_log = log(__name__)

_SEND_BYTES: Final = 16_384
"""What is sent at once: a client that reads this much within a minute is not cut off."""


async def export_conversation(
    context: RequestContext[None], conversation_id: UUID
) -> HTTPResponse | None:
    """Return a conversation, or one of its threads, as a file.

    The file is sent as it is read. If it cannot be completed, the connection is aborted: a response
    that ends regularly is complete. Revisions, and the texts of deleted messages, are only in the
    exports of owners and administrators of the conversation.
    """
    root_id = request_parsing.id_param(context.request, "root_id")
    file_format = request_parsing.export_format(context.request)
    with context.services.exports.place(context.caller.user.id):
        return await _export(context, conversation_id, root_id, file_format)


async def _export(
    context: RequestContext[None],
    conversation_id: UUID,
    root_id: UUID | None,
    file_format: ExportFileFormat,
) -> HTTPResponse | None:
    request = context.request
    actor = context.caller.user.id
    export = await context.services.exports.export_conversation(
        actor, conversation_id, root_id, file_format, context.auth.public_url(request)
    )
    headers = {
        **NO_STORE,
        "Content-Disposition": f'attachment; filename="{file_name(export)}"',
        "X-Accel-Buffering": "no",
    }
    if request.method == "HEAD":
        return HTTPResponse(b"", 200, headers, content_type=export.writer.content_type)
    await context.services.exports.record(actor, export, file_format)
    await _send(context, export, headers)
    return None


def file_name(export: Export) -> str:
    """Return a name of ASCII letters, digits and hyphens, from the title and the id."""
    conversation = export.header.conversation
    plain = unicodedata.normalize("NFKD", conversation.title).encode("ascii", "ignore").decode()
    words = re.findall(r"[A-Za-z0-9]+", plain)
    title = "-".join(words)[:60].strip("-").lower() or "conversation"
    return f"{title}-{str(conversation.id)[-8:]}.{export.writer.suffix}"


async def _send(context: RequestContext[None], export: Export, headers: dict[str, str]) -> None:
    """Send the file; a failure aborts the connection, so that nobody takes it for complete."""
    request = context.request
    response = cast(
        "HTTPResponse",
        await request.respond(content_type=export.writer.content_type, headers=headers),
    )
    transport = cast("WriteTransport", request.transport)
    configure_socket(transport.get_extra_info("socket"), context.limits.peer_timeout)
    try:
        async for block in _blocks(export.parts()):
            await response.send(block)
        await response.eof()  # type: ignore[no-untyped-call]
    except asyncio.CancelledError:
        transport.abort()
        raise
    except RequestError as error:
        _log.warning("an export was broken off", reason=error.detail)
        transport.abort()
    except Exception:  # noqa: BLE001 - a stream's boundary: its response has started
        _log.error("an export failed", exc_info=True)
        transport.abort()


async def _blocks(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the same bytes in blocks of one size."""
    buffer = bytearray()
    async for part in parts:
        buffer += part
        while len(buffer) >= _SEND_BYTES:
            yield bytes(buffer[:_SEND_BYTES])
            del buffer[:_SEND_BYTES]
    yield bytes(buffer)


OPERATIONS: Final = (
    Operation(
        method="GET",
        path="/api/conversations/<conversation_id:uuid>/export",
        handler=export_conversation,
        parameters=(parameters.EXPORT_FORMAT, parameters.ROOT_ID),
        response=("application/x-ndjson", "application/json", "text/markdown"),
    ),
)
