"""The most specific pattern of a route."""

from typing import NamedTuple

import pytest

from rustygpt_server.services.route_patterns import best_match, pattern_key


class Pattern(NamedTuple):
    """A method and a pattern of paths."""

    method: str
    path_pattern: str


_REPLY = "/api/messages/{parent_id}/reply"


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ("/api/users", "/api/users"),
        ("/api/users", "/api/{area}"),
        ("/api/users", "/:a/:b"),
        ("/api/users", "/api/*"),
        ("/api/users", "/*"),
        (_REPLY, "/api/messages/{x}/reply"),
        (_REPLY, "/api/messages/:id/reply"),
        (_REPLY, "/api/messages/*"),
        (_REPLY, "/api/{a}/{b}/{c}"),
    ],
)
def test_a_pattern_matches(template: str, pattern: str) -> None:
    """Names of parameters do not matter, and a parameter also matches a literal segment."""
    assert best_match([Pattern("GET", pattern)], "GET", template) == Pattern("GET", pattern)


@pytest.mark.parametrize(
    ("template", "pattern"),
    [
        ("/api/users", "/api/user"),
        ("/api/users", "/api/user*"),
        ("/api/users", "/api/users/*"),
        ("/api/users", "/api"),
        ("/api/users", "/api/users/{id}"),
        ("/api/conversations/{id}", "/api/conv/*"),
        ("/api/conversations/{id}", "/api/conversations/mine"),
        ("/api/xusers", "/api/.users"),
        (_REPLY, "/api/messages/{id}"),
        (_REPLY, "/API/messages/{id}/reply"),
    ],
)
def test_a_pattern_does_not_match(template: str, pattern: str) -> None:
    """All of the path has to match; `*` takes one or more whole segments."""
    assert best_match([Pattern("GET", pattern)], "GET", template) is None


@pytest.mark.parametrize(
    ("template", "from_most_specific"),
    [
        ("/api/users", ["/api/users", "/api/{x}", "/api/*", "/{x}/users", "/{x}/{y}", "/*"]),
        (
            _REPLY,
            [
                *(_REPLY, "/api/messages/{x}/{y}", "/api/messages/{x}/*", "/api/messages/*"),
                *("/api/{x}/{y}/reply", "/api/{x}/*", "/api/*", "/{x}/messages/*"),
            ],
        ),
    ],
)
def test_the_most_specific_pattern_wins(template: str, from_most_specific: list[str]) -> None:
    """From the left: a literal segment before a parameter before `*`; the order does not matter."""
    while from_most_specific:
        patterns = [Pattern("POST", path) for path in from_most_specific]
        for ordered in (patterns, patterns[::-1]):
            assert best_match(ordered, "POST", template) == patterns[0]
        from_most_specific = from_most_specific[1:]


def test_the_path_decides_before_the_method() -> None:
    """For equal paths, a method is more specific than all methods."""
    exact, every, wide = (
        Pattern("GET", "/api/users"),
        Pattern("*", "/api/users"),
        Pattern("GET", "/api/*"),
    )

    assert best_match([every, wide, exact], "GET", "/api/users") == exact
    assert best_match([every, wide], "GET", "/api/users") == every
    assert best_match([exact, wide], "POST", "/api/users") is None


def test_patterns_with_one_key_match_the_same_routes() -> None:
    """The names of parameters, and how they are written, are not part of the key."""
    assert pattern_key("/api/{a}/b/:c/*") == pattern_key("/api/:x/b/{y}/*") == "/api/{}/b/{}/*"
    assert pattern_key("/api/a") != pattern_key("/api/{a}")
