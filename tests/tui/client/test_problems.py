"""What the server said, as a failure."""

import httpx
import pytest

from rustygpt_shared.codec import encode
from rustygpt_shared.problems import FieldError, Problem
from rustygpt_tui.client.problems import error_from_response, error_from_transport
from rustygpt_tui.errors import Exit, Unreachable

ORIGIN = "http://127.0.0.1:8080"


def told(status: int, detail: str = "No.", errors: list[FieldError] | None = None) -> bytes:
    """A problem's body."""
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
def test_a_status_has_its_exit_code(status: int, exit_code: Exit) -> None:
    """The server's own code and request id are kept."""
    failure = error_from_response(httpx.Response(status, content=told(status)), ORIGIN)
    assert (failure.exit_code, failure.code, failure.request_id) == (exit_code, "RGP.X", "r-1")


def test_fields_are_named_in_the_sentence() -> None:
    """What does not fit, and why."""
    errors = [FieldError("title", "needs some text"), FieldError("mode", "is unknown")]
    failure = error_from_response(
        httpx.Response(422, content=told(422, "Not valid.", errors)), ORIGIN
    )
    assert failure.sentence == "Not valid: title: needs some text; mode: is unknown."


def test_a_problem_cannot_drive_the_terminal() -> None:
    """Escapes and lines of a hostile server are taken out."""
    failure = error_from_response(httpx.Response(400, content=told(400, "a\x1b[2J\nb")), ORIGIN)
    assert failure.sentence == "a[2J b"


def test_an_answer_of_something_else_is_told_as_such() -> None:
    """An error page of a proxy is no problem of ours."""
    response = httpx.Response(503, content=b"<html>", headers={"retry-after": "7"})
    failure = error_from_response(response, ORIGIN)
    assert "answered 503" in failure.sentence
    assert failure.retry_after == 7


def test_a_bad_certificate_is_told_as_such() -> None:
    """Not as a server that is down."""
    failure = error_from_transport(httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]"), ORIGIN)
    assert isinstance(failure, Unreachable)
    assert "certificate" in failure.sentence
