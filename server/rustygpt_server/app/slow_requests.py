"""The guard against slow requests (slowloris): a request has to arrive within a time limit.

Sanic's own time limits start again with every byte. Here all connections are checked at an
interval; one whose request is still arriving after the limit is closed without a response.
"""

from typing import Any

from sanic.http.constants import Stage

from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log

_log = log(__name__)


class SlowRequestGuard:
    """Checks the connections of one server."""

    def __init__(self, connections: set[Any], runtime: Runtime) -> None:
        self._connections = connections
        self._limit = runtime.limits.request
        self._clock = runtime.clock
        self._since: dict[tuple[int, int], float] = {}

    async def run(self) -> None:
        """Check at an interval of a sixth of the limit, until cancelled."""
        while True:
            await self._clock.sleep(self._limit / 6)
            self.check()

    def check(self) -> None:
        """Close the connections whose request has been arriving for longer than the limit."""
        now = self._clock.monotonic()
        arriving = {_key(one): one for one in list(self._connections) if _is_arriving(one)}
        self._since = {key: self._since.get(key, now) for key in arriving}
        for key, since in self._since.items():
            if now - since >= self._limit:
                _log.warning("closed a connection whose request took too long to arrive")
                arriving[key].abort()


def _is_arriving(connection: Any) -> bool:
    http = connection.http
    return http is not None and (http.stage is Stage.REQUEST or bool(http.request_body))


def _key(connection: Any) -> tuple[int, int]:
    """Return a key of the connection and the request that is arriving on it."""
    return id(connection), id(connection.http.request)
