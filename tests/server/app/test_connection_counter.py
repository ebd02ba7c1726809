"""The number of open connections."""

from rustygpt_server.app.connection_counter import ConnectionCounter
from rustygpt_shared.settings import Server


def test_connections_are_counted_by_address_and_in_all() -> None:
    """Each limit refuses the next connection until one closes."""
    counter = ConnectionCounter(Server(max_connections=3, max_connections_per_address=2))
    one, two, other = (counter.add(address) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2"))
    assert None not in (one, two, other)
    assert two is not None
    assert counter.add("192.0.2.1") is None
    assert counter.add("192.0.2.3") is None
    counter.remove(two)
    assert counter.add("192.0.2.1")
    assert (counter.take_refused(), counter.take_refused()) == (2, 0)


def test_trusted_proxies_have_no_limit_of_their_own() -> None:
    """They carry the connections of many clients; the limit in all applies."""
    settings = Server(
        max_connections=3, max_connections_per_address=1, trusted_proxies=["10.0.0.0/8"]
    )
    counter = ConnectionCounter(settings)

    assert [counter.add("10.0.0.1") for _ in range(4)] == ["10.0.0.1"] * 3 + [None]
