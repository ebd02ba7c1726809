"""Cookies and where they may go."""

import pytest

from rustygpt_tui.client.cookies import Cookie, header, origin_of, parse
from rustygpt_tui.errors import UsageError

NOW = 1_000.0


def test_a_cookie_is_read_with_what_matters_of_it() -> None:
    """Name, value, Secure and the end of its life."""
    text = "SESSION_ID=a-b_c=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=60"
    assert parse(text, NOW) == Cookie("SESSION_ID", "a-b_c=", True, 1_060.0)
    assert parse("A=1", NOW) == Cookie("A", "1")


@pytest.mark.parametrize("text", ["", "=1", "A B=1", "A=1\r\nX: 2", "A=a b", "A=\x7f"])
def test_a_malformed_cookie_is_none(text: str) -> None:
    """What could break a header is not kept."""
    assert parse(text, NOW) is None


def test_secure_and_dead_cookies_stay_at_home() -> None:
    """Secure ones go over HTTPS or within this machine only; dead ones nowhere."""
    cookies = [Cookie("A", "1"), Cookie("B", "2", secure=True), Cookie("C", "3", expires=NOW)]
    assert header(cookies, "http://chat.example", NOW) == "A=1"
    assert header(cookies, "https://chat.example", NOW) == "A=1; B=2"
    assert header(cookies, "http://127.0.0.1:1", NOW) == "A=1; B=2"
    assert header([], "http://127.0.0.1:1", NOW) is None


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("HTTP://Chat.Example:80/", "http://chat.example"),
        ("https://chat.example:443", "https://chat.example"),
        ("https://chat.example:8443", "https://chat.example:8443"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_written_one_way(url: str, origin: str) -> None:
    """However the address was typed."""
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url", ["", "chat.example", "ftp://a", "http://a/b", "http://u:p@a", "http://a:x", "http://[a"]
)
def test_what_is_no_origin_is_refused(url: str) -> None:
    """With a sentence that shows how it is written."""
    with pytest.raises(UsageError, match="write it like"):
        origin_of(url)
