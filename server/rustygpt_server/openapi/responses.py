"""The responses of operations in the OpenAPI document: statuses, headers, bodies."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final, get_args, get_origin

from rustygpt_server.api.openai_errors import is_openai
from rustygpt_server.api.parameters import IDEMPOTENCY_KEY
from rustygpt_server.api.rate_limiting import UNLIMITED
from rustygpt_server.api.request_parsing import SAFE_METHODS
from rustygpt_server.api.routing import STREAM, Operation
from rustygpt_server.openapi.examples import example_of
from rustygpt_shared.models.exports import EXPORT_LINES
from rustygpt_shared.problems import Problem
from rustygpt_shared.settings import Settings

PROBLEM_TYPE: Final = "application/problem+json"
_PROBLEM: Final = {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OPENAI: Final = {"application/json": {"schema": {"$ref": "#/components/schemas/OpenAIError"}}}
_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_OBJECT: Final = {"type": "object"}
_DESCRIPTIONS: Final = {
    400: "The request cannot be read: its query, headers or JSON are malformed.",
    401: "There is no valid session; `WWW-Authenticate` says what helps.",
    403: "The caller may not do this, the CSRF token or the origin is wrong, or the personal token "
    "lacks the scope.",
    404: "It does not exist, or the caller may not know that it does.",
    405: "The address does not take this method; `Allow` lists those that it takes.",
    408: "The request took too long to arrive.",
    409: "It contradicts what is stored, or the `Idempotency-Key` came with another request.",
    410: "It has been used, has expired, or was revoked.",
    413: "The body is too large, or the address and the headers are.",
    415: "The body is not JSON, or it is compressed.",
    422: "A field breaks a rule; `errors` names the fields.",
    423: "The account is disabled.",
    429: "The caller sent too many requests; `Retry-After` says when to continue.",
    500: "The server failed; its log has the `request_id`.",
    502: "The model's server refused the request, failed, or cannot be reached.",
    503: "The database is away, or the server is busy or shutting down; try again.",
    504: "The model took too long.",
}
_HEADERS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "Idempotent-Replay": (
        "`true` when this is the stored response of an earlier request.",
        {"type": "string", "enum": ["true"]},
    ),
    "RateLimit-Limit": ("How many requests the limit accepts at once.", _COUNT),
    "RateLimit-Remaining": ("How many it would accept now.", _COUNT),
    "RateLimit-Reset": ("In how many seconds it accepts all of them again.", _COUNT),
    "X-RateLimit-Profile": ("The profile of the limit.", _TEXT),
    "X-RateLimit-Limit": ("The same as `RateLimit-Limit`.", _COUNT),
    "X-RateLimit-Remaining": ("The same as `RateLimit-Remaining`.", _COUNT),
    "Retry-After": ("When to try again, in seconds.", {"type": "integer", "minimum": 0}),
    "WWW-Authenticate": (
        "`refresh` where a refresh helps, `session` where only a login does, `Bearer` for tokens.",
        _TEXT,
    ),
    "X-Session-Rotated": (
        "`1` when the response sets new cookies of the same session.",
        {"type": "string", "enum": ["1"]},
    ),
    "Location": ("Where the browser goes next.", _TEXT),
    "Set-Cookie": ("The session's cookies; each has a header of its own.", _TEXT),
}

_LIMIT_HEADERS: Final = (
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "X-RateLimit-Profile",
)
"""The headers of every response to a request that was counted, also of an error."""


def components(settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the headers and error responses that all operations refer to."""
    request_id = settings.server.request_id_header
    headers = {name: _header(*text_and_schema) for name, text_and_schema in _HEADERS.items()}
    headers[request_id] = _header("The id of the request, also in the server's log.", _TEXT)
    return {
        "headers": dict(sorted(headers.items())),
        "responses": {
            **{str(s): _error_response(s, request_id, _PROBLEM) for s in sorted(_DESCRIPTIONS)},
            **{
                f"openai-{s}": _error_response(s, request_id, _OPENAI)
                for s in sorted(_DESCRIPTIONS)
            },
        },
    }


def responses_of(operation: Operation, settings: Settings, schema: Any) -> dict[str, Any]:
    """Return the responses of an operation by status; `schema` is that of its success."""
    success = {
        "description": _success_description(operation),
        "headers": _success_headers(operation, settings.server.request_id_header),
        **_content(operation, schema),
    }
    statuses = {*_error_statuses(operation), *operation.errors}
    prefix = "openai-" if is_openai(operation.template) else ""
    statuses -= {422} if prefix else set()
    errors = {str(s): {"$ref": f"#/components/responses/{prefix}{s}"} for s in sorted(statuses)}
    responses = {str(operation.status): success, **errors}
    responses.update(_special_responses(operation))
    return dict(sorted(responses.items()))


def _header(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "schema": schema}


def _error_response(status: int, request_id: str, content: Any) -> dict[str, Any]:
    names = [request_id, *_LIMIT_HEADERS]
    names += ["Retry-After"] if status in (429, 503) else []
    names += ["X-RateLimit-Limit", "X-RateLimit-Remaining"] if status == 429 else []
    names += ["WWW-Authenticate"] if status == HTTPStatus.UNAUTHORIZED else []
    return {
        "description": _DESCRIPTIONS[status],
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names},
        "content": content,
    }


def _error_statuses(operation: Operation) -> Iterator[int]:
    """Yield the statuses of the errors that follow from what an operation is."""
    changes = operation.method not in SAFE_METHODS
    yield from (400, 408, 413, 500, 503)
    if operation.template not in UNLIMITED:
        yield 429
    if changes or operation.access != "public":
        yield from (401, 403)
    if "{" in operation.template:
        yield 404
    if operation.body is not None or operation.streamed_body:
        yield from (415, 422)
    if IDEMPOTENCY_KEY in operation.parameters:
        yield 409


def _success_description(operation: Operation) -> str:
    if operation.response == STREAM:
        return "Events until the stream ends: each `data` line is an `Event`."
    return HTTPStatus(operation.status).phrase


def _success_headers(operation: Operation, request_id: str) -> dict[str, Any]:
    names = [request_id]
    names += [] if operation.template in UNLIMITED else _LIMIT_HEADERS
    names += ["X-Session-Rotated"] if operation.access != "public" else []
    names += ["Location"] if operation.status == HTTPStatus.SEE_OTHER else []
    names += ["Idempotent-Replay"] if IDEMPOTENCY_KEY in operation.parameters else []
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _content(operation: Operation, schema: Any) -> dict[str, Any]:
    if operation.response is None:
        return {}
    if operation.response == STREAM:
        media: dict[str, Any] = {
            "schema": {
                "type": "string",
                "contentMediaType": STREAM,
                "contentSchema": {"$ref": "#/components/schemas/Event"},
            }
        }
        return {"content": {STREAM: media}}
    if isinstance(operation.response, tuple):
        return {"content": {media: _export_media(media) for media in operation.response}}
    if isinstance(operation.response, str):
        is_text = operation.response.startswith(("text/", "*/"))
        return {"content": {operation.response: {"schema": _TEXT if is_text else _OBJECT}}}
    example = example_of(operation.response) if _is_described(operation.response) else None
    media = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"content": {"application/json": media, **_stream_of(operation)}}


def _stream_of(operation: Operation) -> dict[str, Any]:
    """Return the stream that a response may be instead."""
    if operation.streamed_response is None:
        return {}
    chunk = {"$ref": f"#/components/schemas/{operation.streamed_response.__name__}"}
    text = {"type": "string", "contentMediaType": STREAM, "contentSchema": chunk}
    return {STREAM: {"schema": text}}


def _export_media(content_type: str) -> dict[str, Any]:
    """Return what an export of this type contains."""
    if content_type != "application/x-ndjson":
        return {"schema": _TEXT if content_type.startswith("text/") else _OBJECT}
    lines = [{"$ref": f"#/components/schemas/{line.__name__}"} for line in EXPORT_LINES]
    schema = {"type": "string", "contentMediaType": content_type, "contentSchema": {"oneOf": lines}}
    return {"schema": schema}


def _is_described(shape: Any) -> bool:
    """Return whether a type says which fields it has: a struct, or a list of one."""
    return get_origin(shape) is not dict and Any not in get_args(shape)


def _special_responses(operation: Operation) -> dict[str, Any]:
    """Return the responses that are no errors, but have another status than the usual one."""
    if operation.template == "/.well-known/{path}":
        location = _header("The page's form for a new password.", _TEXT)
        return {"303": {"description": "`change-password`", "headers": {"Location": location}}}
    if operation.template != "/readyz":
        return {}
    media = {"schema": {"type": "object"}, "example": {"ready": False, "missing": ["…"]}}
    return {
        "503": {
            "description": "The server cannot serve requests; `missing` says why.",
            "content": {"application/json": media, PROBLEM_TYPE: {"schema": _problem_ref()}},
        }
    }


def _problem_ref() -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{Problem.__name__}"}
