"""The number of open connections of a process, in all and by address, and their limits."""

from rustygpt_server.api.request_parsing import client_key, is_trusted
from rustygpt_shared.settings import Server


class ConnectionCounter:
    """Counts connections; trusted proxies, which carry many clients each, have no limit."""

    def __init__(self, settings: Server) -> None:
        self._maximum = settings.max_connections
        self._maximum_per_address = settings.max_connections_per_address
        self._proxies = settings.trusted_proxies
        self._total = 0
        self._by_client: dict[str, int] = {}
        self._refused = 0

    def add(self, address: str) -> str | None:
        """Count a connection from an address; None when there are too many already.

        Return the key to remove it with.
        """
        client = client_key(address)
        number = self._by_client.get(client, 0)
        is_full = number >= self._maximum_per_address and not is_trusted(address, self._proxies)
        if is_full or self._total >= self._maximum:
            self._refused += 1
            return None
        self._total += 1
        self._by_client[client] = number + 1
        return client

    def remove(self, client: str) -> None:
        """Count a connection no more, by the key that `add` returned."""
        self._total -= 1
        self._by_client[client] -= 1
        if not self._by_client[client]:
            del self._by_client[client]

    def take_refused(self) -> int:
        """Return how many connections were refused since the last call."""
        refused, self._refused = self._refused, 0
        return refused
