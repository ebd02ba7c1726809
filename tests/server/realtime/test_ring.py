"""Recent events are kept in bounded memory."""

from rustygpt_server.realtime.ring import RING_BYTES, RING_EVENTS, EncodedEvent, Ring, RingBudget


def _fill(ring: Ring, count: int, size: int = 10) -> None:
    for number in range(1, count + 1):
        ring.append(EncodedEvent(number, b"x" * size))


def test_a_ring_is_bounded_in_events() -> None:
    """Only recent events are kept; an older cursor needs the log."""
    ring = Ring(RingBudget())
    _fill(ring, RING_EVENTS + 10)

    assert ring.since(9) is None
    assert len(ring.since(10) or []) == RING_EVENTS
    assert ring.oldest() == 11


def test_a_ring_is_bounded_in_bytes() -> None:
    """An event that is larger than the limit is not kept, and no event before it is."""
    budget = RingBudget()
    ring = Ring(budget)
    _fill(ring, 10, RING_BYTES // 4)
    assert (ring.oldest(), ring.size, budget.size) == (7, RING_BYTES, RING_BYTES)
    ring.append(EncodedEvent(11, b"x" * (RING_BYTES + 1)))

    assert (ring.oldest(), ring.size, budget.size) == (None, 0, 0)
    assert ring.since(10) is None


def test_all_rings_share_a_budget() -> None:
    """The ring without news for longest is cleared first, completely, so that none has a gap."""
    budget = RingBudget(limit=250)
    quiet = Ring(budget)
    busy = Ring(budget)
    late = Ring(budget)
    for ring in (quiet, busy, late):
        _fill(ring, 10)
    busy.append(EncodedEvent(11, b"x" * 10))

    assert [ring.size for ring in (quiet, busy, late)] == [0, 110, 100]
    assert budget.size == 210


def test_a_cleared_ring_frees_its_budget() -> None:
    """Its bytes are available to other rings."""
    budget = RingBudget()
    ring = Ring(budget)
    _fill(ring, 3)
    ring.clear()

    assert (budget.size, ring.oldest()) == (0, None)
