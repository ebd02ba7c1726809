"""Errors of every layer as application/problem+json (RFC 9457).

The members are those of its section 3.1, and extensions of ours (3.2). The headers follow RFC 9110:
`WWW-Authenticate` with 401 (11.6.1), `Allow` with 405 (15.5.6), `Retry-After` with 503 (10.2.3).
Our own exceptions carry their status and code; the table here is for those of the framework.
"""

import re
from http import HTTPStatus
from typing import NamedTuple

import msgspec
from sanic import exceptions
from sanic.request import Request
from sanic.response import HTTPResponse

from rustygpt_server import errors
from rustygpt_server.telemetry import log
from rustygpt_shared import codec, problems
from rustygpt_shared.problems import FieldError, Problem

_log = log(__name__)

_FIELD = re.compile(r"(?:field )?`([^`$]+)`")
_MSGSPEC_PATH = re.compile(r" - at `(?:\$|key in \$)\.?([^`]*)`$")
_OWN_RULE = re.compile(r"([a-z_]+): (.+)", re.DOTALL)


class ProblemType(NamedTuple):
    """Status and code of an exception on the wire; without `detail` its own text is sent."""

    status: int
    code: str
    detail: str | None = None


_FRAMEWORK_ERRORS: dict[type[BaseException], ProblemType] = {
    exceptions.NotFound: ProblemType(404, problems.NOT_FOUND, "There is nothing at this address."),
    exceptions.MethodNotAllowed: ProblemType(
        405, problems.METHOD, "This address does not take this method; see the Allow header."
    ),
    exceptions.PayloadTooLarge: ProblemType(413, problems.TOO_LARGE, "The request is too large."),
    exceptions.RequestTimeout: ProblemType(
        408, problems.BAD_REQUEST, "The request took too long to arrive."
    ),
    exceptions.ServiceUnavailable: ProblemType(
        503, problems.UNAVAILABLE, "The server is busy; try again in a moment."
    ),
    exceptions.SanicException: ProblemType(
        400, problems.BAD_REQUEST, "The request cannot be read."
    ),
}
_INTERNAL = ProblemType(
    500, problems.INTERNAL, "The server failed; send the request id to its operator."
)
_RETRY_SECONDS = 2


def problem_type_of(error: BaseException) -> ProblemType:
    """Return status and code of an exception; whatever is unexpected is an internal error."""
    if isinstance(error, errors.RequestError):
        return ProblemType(error.status, error.code)
    for kind in type(error).__mro__:
        if kind in _FRAMEWORK_ERRORS and not (
            kind is exceptions.SanicException and _status(error) >= 500
        ):
            return _FRAMEWORK_ERRORS[kind]
    return _INTERNAL


def logged_problem_type(request: Request, error: BaseException) -> ProblemType:
    """Return what `problem_type_of` does; an internal error is logged with its traceback."""
    kind = problem_type_of(error)
    if kind is _INTERNAL:
        _log.error("request failed", exc_info=error, route=request.uri_template)
    return kind


def problem_response(request: Request, error: BaseException) -> HTTPResponse:
    """Return the response for an exception."""
    kind = logged_problem_type(request, error)
    request_id = getattr(request.ctx, "request_id", "")
    detail = kind.detail or str(error)
    headers = error_headers(error, kind)
    problem = Problem(
        type=problems.TYPE_PREFIX + kind.code,
        title=HTTPStatus(kind.status).phrase,
        status=kind.status,
        detail=detail,
        code=kind.code,
        message=detail,
        request_id=request_id,
        errors=getattr(error, "errors", None),
        retry_after_seconds=_retry_after(error, kind),
    )
    return HTTPResponse(
        codec.encode(problem), kind.status, headers, content_type="application/problem+json"
    )


def validation_failed(error: msgspec.ValidationError) -> errors.ValidationFailed:
    """Return the exception that names the field, from the text of msgspec or of a validator."""
    text = str(error)
    path = _MSGSPEC_PATH.search(text)
    message = _MSGSPEC_PATH.sub("", text)
    own = _OWN_RULE.fullmatch(message)
    if own:
        return errors.ValidationFailed.of_fields([FieldError(own[1], own[2])])
    named = _FIELD.search(message) if "field" in message else None
    field = ".".join(part for part in (path and path[1], named and named[1]) if part)
    return errors.ValidationFailed.of_fields([FieldError(field, message.replace("`", ""))])


def _status(error: BaseException) -> int:
    return getattr(error, "status_code", 500)


def _retry_after(error: BaseException, kind: ProblemType) -> int | None:
    if isinstance(error, errors.RateLimited):
        return error.retry_after_seconds
    return _RETRY_SECONDS if kind.status == 503 else None


def error_headers(error: BaseException, kind: ProblemType) -> dict[str, str]:
    """Return the headers that the response for an exception has, whatever its body is."""
    headers = {"Cache-Control": "no-store", **(getattr(error, "headers", None) or {})}
    if isinstance(error, errors.NotSignedIn):
        headers["WWW-Authenticate"] = error.challenge
    if kind.status == 503:
        headers["Retry-After"] = str(_RETRY_SECONDS)
    return headers
