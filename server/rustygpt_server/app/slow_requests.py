"""Cut requests that take too long to arrive, however steadily their pieces come.

Sanic's own limits begin anew with every byte. Connections are looked at from outside, now and then;
one whose request was arriving at every look for longer than the limit is cut without an answer.
"""

from typing import Any

from sanic.http.constants import Stage

from rustygpt_server.runtime import Runtime
from rustygpt_server.telemetry import log

_log = log(__name__)


class SlowRequestGuard:
    """Watches the connections of one server."""

    def __init__(self, connections: set[Any], runtime: Runtime) -> None:
        self._connections = connections
        self._limit = runtime.limits.request
        self._clock = runtime.clock
        self._since: dict[tuple[int, int], float] = {}

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await self._clock.sleep(self._limit / 6)
            self.check()

    def check(self) -> None:
        """Cut what has been arriving for too long."""
        now = self._clock.monotonic()
        arriving = {_key(one): one for one in list(self._connections) if _is_arriving(one)}
        self._since = {key: self._since.get(key, now) for key in arriving}
        for key, since in self._since.items():
            if now - since >= self._limit:
                _log.warning("a request that took too long to arrive was cut")
                arriving[key].abort()


def _is_arriving(connection: Any) -> bool:
    http = connection.http
    return http is not None and (http.stage is Stage.REQUEST or bool(http.request_body))


def _key(connection: Any) -> tuple[int, int]:
    """The connection, and the request that is arriving on it."""
    return id(connection), id(connection.http.request)
