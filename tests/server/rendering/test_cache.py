"""Rendered messages that are kept."""

from uuid import UUID

from tests.support.fakes.fake_clock import FakeClock

from rustygpt_server.rendering.cache import HtmlCache

_KEYS = [(UUID(int=number), b"digest") for number in range(20)]


def test_the_least_recently_used_are_dropped_beyond_the_bytes() -> None:
    """What was read again stays; the sum of bytes stays below the bound."""
    cache = HtmlCache(FakeClock(), max_bytes=5_000)
    cache.put(_KEYS[0], "x" * 600)
    for key in _KEYS[1:]:
        cache.get(_KEYS[0])
        cache.put(key, "x" * 600)

        assert cache.bytes <= 5_000
    assert len(cache) == 5
    assert cache.get(_KEYS[0]) is not None
    assert cache.get(_KEYS[1]) is None


def test_wide_characters_count_for_what_python_takes() -> None:
    """Four bytes per character at most."""
    cache = HtmlCache(FakeClock())
    cache.put(_KEYS[0], "\U0001f600" * 100)

    assert cache.bytes >= 400
    cache.put(_KEYS[0], "x")
    assert cache.bytes < 500


def test_an_entry_may_expire() -> None:
    """Others are kept for any time."""
    clock = FakeClock()
    cache = HtmlCache(clock)
    cache.put(_KEYS[0], "for a while", 10)
    cache.put(_KEYS[1], "for ever")
    clock.advance(9)
    assert cache.get(_KEYS[0]) == "for a while"
    clock.advance(1)

    assert cache.get(_KEYS[0]) is None
    assert cache.get(_KEYS[1]) == "for ever"
    assert len(cache) == 1
