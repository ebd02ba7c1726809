"""Parsing cookies, and where they are sent."""

import pytest

from rustygpt_tui.client.cookies import Cookie, header, origin_of, parse
from rustygpt_tui.errors import UsageError

NOW = 1_000.0


def test_a_set_cookie_header_is_parsed() -> None:
    """Name, value, Secure and the expiry are kept."""
    text = "SESSION_ID=a-b_c=; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=60"
    assert parse(text, NOW) == Cookie("SESSION_ID", "a-b_c=", True, 1_060.0)
    assert parse("A=1", NOW) == Cookie("A", "1")


@pytest.mark.parametrize("text", ["", "=1", "A B=1", "A=1\r\nX: 2", "A=a b", "A=\x7f"])
def test_a_malformed_cookie_is_none(text: str) -> None:
    """Characters that could break a header are rejected."""
    assert parse(text, NOW) is None


def test_secure_and_expired_cookies_are_not_sent() -> None:
    """Secure cookies are sent over HTTPS or within this machine only; expired ones never."""
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
def test_an_origin_is_normalised(url: str, origin: str) -> None:
    """In lower case, without a default port."""
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "url", ["", "chat.example", "ftp://a", "http://a/b", "http://u:p@a", "http://a:x", "http://[a"]
)
def test_an_invalid_address_is_rejected(url: str) -> None:
    """The error shows how an address is written."""
    with pytest.raises(UsageError, match="write it like"):
        origin_of(url)
