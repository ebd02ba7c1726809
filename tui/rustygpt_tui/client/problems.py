"""Conversion of error responses and connection errors to ClientError, each with one sentence."""

from typing import TYPE_CHECKING

import msgspec

from rustygpt_shared.codec import decode
from rustygpt_shared.problems import Problem
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.errors import (
    ClientError,
    Forbidden,
    NotFound,
    NotSignedIn,
    RateLimited,
    ServerError,
    ServerRejected,
    TimedOut,
    Unreachable,
)

if TYPE_CHECKING:
    import httpx

_ERROR_TYPES: dict[int, type[ClientError]] = {
    401: NotSignedIn,
    403: Forbidden,
    404: NotFound,
    423: Forbidden,
    429: RateLimited,
    502: Unreachable,
    503: Unreachable,
    504: TimedOut,
}


def error_from_response(response: "httpx.Response", origin: str) -> ClientError:
    """Return the error in a response whose status is an error and whose body has been read."""
    fallback = ServerError if response.is_server_error else ServerRejected
    error_type = _ERROR_TYPES.get(response.status_code, fallback)
    try:
        problem = decode(response.content, Problem)
    except msgspec.MsgspecError:
        return error_type(
            f"{origin} answered {response.status_code} without a reason; "
            "check that a RustyGPT server listens there.",
            retry_after=_seconds(response.headers.get("retry-after")),
        )
    fields = "; ".join(f"{error.field}: {error.message}" for error in problem.errors or [])
    sentence = f"{problem.detail.rstrip('.')}: {fields}." if fields else problem.detail
    after = problem.retry_after_seconds or _seconds(response.headers.get("retry-after"))
    return error_type(
        one_line(sentence)[:2_000],
        code=one_line(problem.code)[:100],
        request_id=one_line(problem.request_id)[:128],
        retry_after=after,
    )


def error_from_transport(error: "httpx.HTTPError", origin: str) -> ClientError:
    """Return the error for a request that got no response."""
    import httpx

    if isinstance(error, httpx.ConnectError) and "CERTIFICATE" in str(error):
        return Unreachable(f"{origin} has a certificate that is not trusted; check the address.")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError):
        return Unreachable(
            f"Nothing answers at {origin}; start the server, or name another with --server."
        )
    if isinstance(error, httpx.TimeoutException):
        return timed_out(origin)
    return Unreachable(f"The connection to {origin} broke off; try again.")


def timed_out(origin: str) -> ClientError:
    """Return the error for a request whose response is not complete in time."""
    return TimedOut(f"{origin} did not answer in time; try again.")


def unreadable_response(origin: str) -> ClientError:
    """Return the error for a response that is not in the expected form."""
    return ServerRejected(
        f"{origin} sent a response that this program does not understand; "
        "check that both have the same version."
    )


def too_large_response(origin: str) -> ClientError:
    """Return the error for a response, or an event, that is larger than any of this version."""
    return ServerRejected(
        f"{origin} sent more than any response or event has; "
        "check that a RustyGPT server listens there."
    )


def _seconds(text: str | None) -> float | None:
    """Return the seconds in a `Retry-After` header, or None for a date or no header."""
    is_number = text and text.isascii() and text.isdigit() and len(text) < 10
    return float(text) if text and is_number else None
