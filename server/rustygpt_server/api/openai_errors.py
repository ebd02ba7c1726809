"""Errors of `/v1`, from every layer, in the shape that OpenAI's clients expect.

All other addresses have problems (RFC 9457), which are in `problems`; statuses and headers are the
same but for 422, which OpenAI does not know.
"""

from typing import Final

from sanic import exceptions
from sanic.request import Request
from sanic.response import HTTPResponse

from rustygpt_server.api.problems import (
    ProblemType,
    error_headers,
    logged_problem_type,
    problem_response,
    problem_type_of,
)
from rustygpt_server.errors import ModelFailed, RateLimited, ValidationFailed
from rustygpt_shared import codec
from rustygpt_shared.chat_completions import OpenAIError, OpenAIErrorBody
from rustygpt_shared.problems import BUDGET

PREFIXES: Final = ("/v1/", "/api/v1/")
_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES: Final = {401: "invalid_api_key", 404: "not_found", 405: "method_not_allowed"}
_QUOTA: Final = "insufficient_quota"
_UNKNOWN: Final = (
    "There is nothing at this address: of OpenAI's API this server has models and chat completions."
)


def is_openai(path: str) -> bool:
    """Return whether an address, or the template of a route, belongs to `/v1`."""
    return path.startswith(PREFIXES) or f"{path}/" in PREFIXES


def error_response(request: Request, error: BaseException) -> HTTPResponse:
    """Return the response for an exception, in the shape that its address has."""
    if not is_openai(request.path):
        return problem_response(request, error)
    kind = logged_problem_type(request, error)
    return HTTPResponse(
        codec.encode(openai_error(error)),
        _status(error, kind),
        error_headers(error, kind),
        content_type="application/json",
    )


def openai_error(error: BaseException) -> OpenAIError:
    """Return the body for an exception."""
    kind = problem_type_of(error)
    status = _status(error, kind)
    message = _UNKNOWN if isinstance(error, exceptions.NotFound) else kind.detail or str(error)
    if kind.code == BUDGET:
        return OpenAIError(OpenAIErrorBody(message, _QUOTA, None, _QUOTA))
    server = "server_error" if status >= 500 else "invalid_request_error"
    param, code = _param_and_code(error, status, kind.code)
    return OpenAIError(OpenAIErrorBody(message, _TYPES.get(status, server), param, code))


def _status(error: BaseException, kind: ProblemType) -> int:
    if isinstance(error, ModelFailed):
        return error.http_status
    return 400 if isinstance(error, ValidationFailed) else kind.status


def _param_and_code(error: BaseException, status: int, code: str) -> tuple[str | None, str]:
    if isinstance(error, ModelFailed):
        return ("model", "model_not_found") if error.code == "unknown_model" else (None, error.code)
    if isinstance(error, ValidationFailed):
        field = error.errors[0].field if error.errors else ""
        return field or None, "invalid_value"
    if isinstance(error, RateLimited):
        return None, "rate_limit_exceeded"
    return None, _CODES.get(status, code)
