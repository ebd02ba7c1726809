"""Error responses as errors of the client."""

import httpx
import pytest

from rustygpt_shared.codec import encode
from rustygpt_shared.problems import FieldError, Problem
from rustygpt_tui.client.problems import error_from_response, error_from_transport
from rustygpt_tui.errors import Exit, Unreachable

ORIGIN = "http://127.0.0.1:8080"


def problem_body(status: int, detail: str = "No.", errors: list[FieldError] | None = None) -> bytes:
    """Return the body of an error response."""
    return encode(Problem("t", "T", status, detail, "RGP.X", detail, "r-1", errors))


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [
        (400, Exit.FAILED),
        (401, Exit.SIGN_IN),
        (403, Exit.FORBIDDEN),
        (404, Exit.NOT_FOUND),
        (409, Exit.FAILED),
        (422, Exit.FAILED),
        (423, Exit.FORBIDDEN),
        (429, Exit.RATE_LIMITED),
        (500, Exit.FAILED),
        (503, Exit.UNREACHABLE),
    ],
)
def test_each_status_has_an_exit_code(status: int, exit_code: Exit) -> None:
    """The server's code and request id are kept."""
    error = error_from_response(httpx.Response(status, content=problem_body(status)), ORIGIN)
    assert (error.exit_code, error.code, error.request_id) == (exit_code, "RGP.X", "r-1")


def test_fields_are_named_in_the_sentence() -> None:
    """With the reason for each."""
    errors = [FieldError("title", "needs some text"), FieldError("mode", "is unknown")]
    error = error_from_response(
        httpx.Response(422, content=problem_body(422, "Not valid.", errors)), ORIGIN
    )
    assert error.sentence == "Not valid: title: needs some text; mode: is unknown."


def test_a_problem_cannot_control_the_terminal() -> None:
    """Escape sequences and line ends of a hostile server are removed."""
    error = error_from_response(
        httpx.Response(400, content=problem_body(400, "a\x1b[2J\nb")), ORIGIN
    )
    assert error.sentence == "a[2J b"


def test_an_error_page_of_a_proxy_is_reported_by_its_status() -> None:
    """Its body is not a problem, but its `Retry-After` counts."""
    response = httpx.Response(503, content=b"<html>", headers={"retry-after": "7"})
    error = error_from_response(response, ORIGIN)
    assert "answered 503" in error.sentence
    assert error.retry_after == 7


def test_an_untrusted_certificate_is_reported() -> None:
    """It is not reported as a server that is down."""
    error = error_from_transport(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), ORIGIN)
    assert isinstance(error, Unreachable)
    assert "certificate" in error.sentence
