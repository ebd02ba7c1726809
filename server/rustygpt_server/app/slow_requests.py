"""The guard against slow requests (slowloris): a request has to arrive within a time limit.

Sanic's own time limits start again with every byte. Here all connections are checked at an
interval; one whose request is still arriving after the limit is closed without a response.
"""

from typing import Any

from sanic.http.constants import Stage

from rustygpt_server.app.connection_counter import ConnectionCounter
from rustygpt_server.clock import Clock
from rustygpt_server.telemetry import log
from rustygpt_shared.settings import Server

_log = log(__name__)


class SlowRequestGuard:
    """Checks the connections of one server."""

    def __init__(
        self, connections: set[Any], counter: ConnectionCounter, settings: Server, clock: Clock
    ) -> None:
        self._connections = connections
        self._counter = counter
        self._settings = settings
        self._clock = clock
        self._since: dict[tuple[int, int], float] = {}

    async def run(self) -> None:
        """Check at an interval of a sixth of the time limit for the head, until cancelled."""
        while True:
            await self._clock.sleep(self._settings.header_timeout_seconds / 6)
            self.check()

    def check(self) -> None:
        """Close the connections whose request has been arriving for longer than its limit."""
        now = self._clock.monotonic()
        arriving = {_key(one): one for one in list(self._connections) if _is_arriving(one)}
        self._since = {key: self._since.get(key, now) for key in arriving}
        late = [
            arriving[k]
            for k, since in self._since.items()
            if now - since >= self._limit(arriving[k])
        ]
        for connection in late:
            # Not Sanic's own `abort`, which fails where the connection's task handles its end.
            connection.transport.abort()
        if late:
            _log.warning(
                "closed connections whose request took too long to arrive", connections=len(late)
            )
        if refused := self._counter.take_refused():
            _log.warning("refused connections beyond the limits", connections=refused)

    def _limit(self, connection: Any) -> float:
        """Return the seconds that the head, or the body, of a request may take."""
        http = connection.http
        if not http.request_body:
            return self._settings.header_timeout_seconds
        needed: float = http.request_bytes / self._settings.body_min_bytes_per_second
        return self._settings.body_timeout_seconds + needed


def _is_arriving(connection: Any) -> bool:
    http = connection.http
    if http is None:
        return False
    return connection.is_silent or http.stage is Stage.REQUEST or bool(http.request_body)


def _key(connection: Any) -> tuple[int, int]:
    """Return a key of the connection and the request that is arriving on it."""
    http = connection.http
    return id(connection), id(None if connection.is_silent else http.request)
