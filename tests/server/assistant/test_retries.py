"""When a request to a model server is sent again."""

from datetime import UTC, datetime

import pytest

from rustygpt_server.assistant.provider import ProviderError
from rustygpt_server.assistant.retries import Refused, retry_seconds

_SENT = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
_ERROR = ProviderError("busy")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0),
        ("1.5", 1.5),
        ("Thu, 01 Jan 2026 12:00:03 GMT", 3),
        ("Thu, 01 Jan 2026 11:00:00 GMT", 0),
        ("soon", None),
        ("", None),
        ("-1", None),
        ("\u0663", None),
        ("1e9", None),
        ("Thu, 99 Jan 2026 12:00:03 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    """Anything else is ignored."""
    assert retry_seconds(value, _SENT) == seconds


@pytest.mark.parametrize("status", [None, 429, 503])
def test_there_are_two_retries_with_growing_waits(status: int | None) -> None:
    """Without a connection, or when the server is busy."""
    waits = [Refused(_ERROR, status).wait_before(retry) for retry in range(3)]

    assert waits == [0.5, 1.5, None]


@pytest.mark.parametrize(
    ("asked", "waits"), [(0, [0, 0, None]), (10, [10, 10, None]), (10.5, [None] * 3)]
)
def test_the_server_says_how_long_to_wait(asked: float, waits: list[float | None]) -> None:
    """More than ten seconds are the user's decision."""
    refused = Refused(_ERROR, 503, asked)

    assert [refused.wait_before(retry) for retry in range(3)] == waits


@pytest.mark.parametrize("status", [302, 400, 401, 404, 500, 502, 504])
def test_other_rejections_are_final(status: int) -> None:
    """Whatever the server says about waiting."""
    assert Refused(_ERROR, status, 0).wait_before(0) is None
