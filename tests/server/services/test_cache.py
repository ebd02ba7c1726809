"""Answers that are used again as long as they are true."""

from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.services.cache import InvalidationCache


class Known:
    """A cache of two entries whose source may be silent."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.current = True
        self.cache: InvalidationCache[str, int] = InvalidationCache(
            lambda: self.current, self.clock, 60, size=2
        )


def test_an_answer_is_used_for_a_while() -> None:
    """Not when nothing is heard any more, and not for ever."""
    known = Known()
    known.cache.put("a", 1, known.cache.version)
    assert known.cache.get("a") == 1
    known.current = False
    assert known.cache.get("a") is None
    known.current = True
    assert known.cache.get("a") == 1
    known.clock.advance(60)

    assert known.cache.get("a") is None


def test_a_change_ends_what_is_about_it() -> None:
    """By its key, or by what was named; what is known later counts."""
    known = Known()
    known.cache.put("a", 1, known.cache.version)
    known.cache.put("b", 2, known.cache.version, "mary", "home")
    known.cache.invalidate("home")
    assert (known.cache.get("a"), known.cache.get("b")) == (1, None)
    known.cache.put("b", 3, known.cache.version, "mary", "home")
    known.cache.invalidate("a")

    assert (known.cache.get("a"), known.cache.get("b")) == (None, 3)


def test_an_answer_asked_for_before_a_change_is_not_kept() -> None:
    """It may not tell of the change, whenever it arrives."""
    known = Known()
    since = known.cache.version
    known.cache.invalidate("a")
    known.cache.invalidate("other")
    known.cache.put("a", 1, since)
    known.cache.put("b", 2, since)
    assert (known.cache.get("a"), known.cache.get("b")) == (None, 2)
    known.cache.clear()
    known.cache.put("b", 2, since)

    assert known.cache.get("b") is None


def test_changes_are_known_as_long_as_anything_is_kept() -> None:
    """And no longer: there are many."""
    known = Known()
    known.cache.invalidate("a")
    known.clock.advance(59)
    known.cache.put("b", 2, 0, "a")
    assert known.cache.get("b") is None
    known.clock.advance(1)
    known.cache.invalidate("c")

    assert list(known.cache._invalidated_at) == ["c"]


def test_what_was_used_longest_ago_goes_first() -> None:
    """There is room for so many."""
    known = Known()
    for number, key in enumerate("ab"):
        known.cache.put(key, number, known.cache.version)
    known.cache.get("a")
    known.cache.put("c", 2, known.cache.version)

    assert [known.cache.get(key) for key in "abc"] == [0, None, 2]
