"""Cached results are used until they expire or are invalidated."""

from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.services.cache import InvalidationCache


class CacheHarness:
    """A cache of two entries for 60 seconds, whose invalidations may be out of date."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.is_current = True
        self.cache: InvalidationCache[str, int] = InvalidationCache(
            lambda: self.is_current, self.clock, 60, size=2
        )


def test_a_result_is_used_until_it_expires() -> None:
    """It is not used while invalidations may be missing."""
    harness = CacheHarness()
    cache = harness.cache
    cache.put("a", 1, cache.version)
    assert cache.get("a") == 1
    harness.is_current = False
    assert cache.get("a") is None
    harness.is_current = True
    assert cache.get("a") == 1
    harness.clock.advance(60)

    assert cache.get("a") is None


def test_an_invalidation_affects_results_with_its_tag() -> None:
    """By the key, or by the tags; a later result counts again."""
    cache = CacheHarness().cache
    cache.put("a", 1, cache.version)
    cache.put("b", 2, cache.version, "mary", "home")
    cache.invalidate("home")
    assert (cache.get("a"), cache.get("b")) == (1, None)
    cache.put("b", 3, cache.version, "mary", "home")
    cache.invalidate("a")

    assert (cache.get("a"), cache.get("b")) == (None, 3)


def test_a_result_that_an_invalidation_overtook_is_not_cached() -> None:
    """Its query started before, whenever it returns."""
    cache = CacheHarness().cache
    version = cache.version
    cache.invalidate("a")
    cache.invalidate("other")
    cache.put("a", 1, version)
    cache.put("b", 2, version)
    assert (cache.get("a"), cache.get("b")) == (None, 2)
    cache.clear()
    cache.put("b", 2, version)

    assert cache.get("b") is None


def test_invalidations_are_remembered_as_long_as_entries_live() -> None:
    """And no longer, so that memory stays bounded."""
    harness = CacheHarness()
    cache = harness.cache
    cache.invalidate("a")
    harness.clock.advance(59)
    cache.put("b", 2, 0, "a")
    assert cache.get("b") is None
    harness.clock.advance(1)
    cache.invalidate("c")

    assert cache.statistics()["invalidations"] == 1


def test_the_least_recently_used_entry_is_dropped_first() -> None:
    """The size of the cache is bounded."""
    cache = CacheHarness().cache
    for number, key in enumerate("ab"):
        cache.put(key, number, cache.version)
    cache.get("a")
    cache.put("c", 2, cache.version)

    assert [cache.get(key) for key in "abc"] == [0, None, 2]
