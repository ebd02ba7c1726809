"""Rate limits of requests: which ones are counted, for whom, and the headers of responses.

Counting and profiles belong to `services.rate_limits`. A request is counted for its user, else for
its address, once its caller is known; one whose caller is refused counts for the address. The
headers are those of draft-ietf-httpapi-ratelimit-headers-06, the last draft with a field for each
number, and Retry-After (RFC 9110, 10.2.3); the status is 429 (RFC 6585, 4).
"""

from collections.abc import Awaitable
from typing import Final, NamedTuple

from sanic.compat import Header
from sanic.request import Request

from rustygpt_server.errors import RateLimited, RequestError
from rustygpt_server.rates import LimitState, Rate
from rustygpt_server.services.callers import Caller
from rustygpt_server.services.rate_limits import RateLimits
from rustygpt_server.telemetry import client_key

PROBES: Final = frozenset({"/healthz", "/readyz"})
"""Routes that show whether the server is well."""
UNLIMITED: Final = PROBES | {"/metrics"}
"""Routes that programs request all the time: they are neither limited nor logged. A probe that is
refused would stop a healthy server. Static files are not limited either; they come from memory."""
EXACT: Final = frozenset(
    {
        ("POST", "/api/auth/login"),
        ("POST", "/api/threads/{conversation_id}/root"),
        ("POST", "/api/messages/{parent_id}/reply"),
    }
)
"""Routes whose handlers count by their own profile across processes. The memory of the process
counts them by the profile `default`, so that a flood does not reach the database."""

_API: Final = ("/api/", "/v1/")


class Route(NamedTuple):
    """The method of a route, and its path with `{name}` for each parameter."""

    method: str
    template: str


class RequestLimiter:
    """Counts the requests of an application."""

    def __init__(self, rate_limits: RateLimits) -> None:
        self._rate_limits = rate_limits

    async def admit(
        self, route: Route, request: Request, authentication: Awaitable[Caller | None]
    ) -> Caller | None:
        """Return the caller that the authentication gives; raise RateLimited beyond the limit.

        The request's address takes the blame for a request that the authentication refuses.
        """
        try:
            caller = await authentication
        except RequestError:
            self.count(route, request, None)
            raise
        self.count(route, request, caller)
        return caller

    def finish(self, request: Request, headers: Header) -> None:
        """Add the headers of a response, and count its request in the metrics.

        One that has no route, or was refused while it arrived, is not counted: its response shows
        the state of its address.
        """
        state: LimitState | None = getattr(request.ctx, "limit_state", None)
        if state is not None:
            self._rate_limits.count(state)
        elif self._rate_limits.enabled and request.path.startswith(_API):
            state = self._rate_limits.peek(client_key() or "")
        else:
            return
        remaining, limit = str(state.remaining), str(state.limit)
        headers["RateLimit-Limit"] = limit
        headers["RateLimit-Remaining"] = remaining
        headers["RateLimit-Reset"] = str(state.reset_seconds)
        headers["X-RateLimit-Profile"] = state.profile
        if state.retry_after_seconds is not None:
            headers["X-RateLimit-Limit"] = limit
            headers["X-RateLimit-Remaining"] = remaining

    def count(self, route: Route, request: Request, caller: Caller | None) -> None:
        """Count a request for its caller, else its address; raise RateLimited beyond the limit."""
        limits = self._rate_limits
        if not limits.enabled or route.template in UNLIMITED:
            return
        rate = limits.rate_of(route.method, route.template)
        if route in EXACT:
            request.ctx.exact_rate = rate
            rate = limits.default_rate
        user_id = caller.user.id if caller else None
        request.ctx.limit_state = limits.take(rate, user_id, client_key() or "")


def exact_rate(request: Request) -> Rate | None:
    """Return the rate that a handler of EXACT counts by; None when nothing is limited."""
    rate: Rate | None = getattr(request.ctx, "exact_rate", None)
    return rate


def show_limit(request: Request, state: LimitState | None) -> None:
    """Let the response show this limit, if there is one, in place of the one counted in memory."""
    request.ctx.limit_state = state or getattr(request.ctx, "limit_state", None)


def note_limit(request: Request, error: BaseException) -> None:
    """Let the response to a refused request show the limit that refused it."""
    if isinstance(error, RateLimited):
        show_limit(request, error.state)
