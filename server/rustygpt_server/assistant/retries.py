"""When a request to a model server is sent again.

Only what cannot have started an answer: no connection, or a refusal as 429 or 503.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

import httpx

from rustygpt_server.assistant.provider import ProviderError

RETRIES_MAX = 2
_STATUSES = (429, 503)
_WAIT_MAX_SECONDS = 10
_BACKOFF_SECONDS = (0.5, 1.5)


class Refused(NamedTuple):
    """A request without a completion."""

    error: ProviderError
    status: int | None
    """The status of the response; None when there was no connection."""
    retry_after: float | None = None
    """The seconds that the server asks to wait."""

    def wait_before(self, retry: int) -> float | None:
        """Return how long to wait before a retry, counted from 0; None when it would not help.

        A server that asks for more than ten seconds is not waited for: that is the user's decision.
        """
        if retry >= RETRIES_MAX or self.status not in (None, *_STATUSES):
            return None
        wait = _BACKOFF_SECONDS[retry] if self.retry_after is None else self.retry_after
        return wait if wait <= _WAIT_MAX_SECONDS else None


def retry_after(response: httpx.Response, now: datetime) -> float | None:
    """Return the seconds that a response asks to wait, by the clock of its server if it says it."""
    now = _date(response.headers.get("date", "")) or now
    return retry_seconds(response.headers.get("retry-after", ""), now)


def retry_seconds(value: str, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks to wait: a number or a date (RFC 9110).

    None when it is neither. `now` is the time of the server that sent it, if that is known.
    """
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value.strip(), re.ASCII):
        return float(value)
    date = _date(value)
    return max(0.0, (date - now).total_seconds()) if date else None


def _date(value: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)
