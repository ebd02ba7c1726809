"""Which assignment of a profile applies to a route: patterns of paths, and the most specific one.

Patterns are compared with the templates of routes, segment by segment, once per route and change:
never with the path of a request, and never as regular expressions.
"""

from collections.abc import Iterable
from typing import Protocol, TypeVar

from rustygpt_shared.text_rules import is_path_parameter

ANY = "*"


class Pattern(Protocol):
    """A method and a pattern of paths."""

    @property
    def method(self) -> str:
        """An HTTP method, or `*` for all."""

    @property
    def path_pattern(self) -> str:
        """Segments that are literal, `{name}` or `:name`; a last segment `*` is any end."""


P = TypeVar("P", bound=Pattern)


def pattern_key(pattern: str) -> str:
    """Return a pattern without the names of its parameters: one key matches the same routes."""
    return "/".join("{}" if is_path_parameter(part) else part for part in pattern.split("/"))


def best_match(patterns: Iterable[P], method: str, template: str) -> P | None:
    """Return the most specific pattern that matches a route's method and template, or None.

    From the left, a literal segment is more specific than a parameter, and that than `*`; for equal
    paths a method is more specific than `*`.
    """
    ranked = (
        (rank, pattern)
        for pattern in patterns
        if pattern.method in (method, ANY)
        and (rank := _rank(pattern.path_pattern, template)) is not None
    )
    best = min(ranked, key=lambda found: (found[0], found[1].method == ANY), default=None)
    return best[1] if best else None


def _rank(pattern: str, template: str) -> tuple[int, ...] | None:
    """Return how a pattern matches a template, the lower the more specific; None if it does not."""
    parts = pattern.split("/")
    segments = template.split("/")
    if parts[-1] == ANY:
        parts = parts[:-1]
        is_longer = len(segments) > len(parts)
        ranks = _ranks(parts, segments[: len(parts)]) if is_longer else None
        return None if ranks is None else (*ranks, 2)
    return _ranks(parts, segments) if len(parts) == len(segments) else None


def _ranks(parts: list[str], segments: list[str]) -> tuple[int, ...] | None:
    ranks = []
    for part, segment in zip(parts, segments, strict=True):
        if not is_path_parameter(part) and part != segment:
            return None
        ranks.append(int(is_path_parameter(part)))
    return tuple(ranks)
