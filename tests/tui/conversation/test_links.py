"""Links to messages."""

from uuid import UUID

import pytest

from rustygpt_tui.conversation.links import Link, host_of, parse_link
from rustygpt_tui.errors import UsageError

C, R, M = UUID(int=1), UUID(int=2), UUID(int=3)
ORIGIN = "https://chat.example"


@pytest.mark.parametrize("link", [Link(C), Link(C, R), Link(message_id=M)])
def test_an_address_leads_back_to_its_place(link: Link) -> None:
    """With blanks around it, too."""
    assert parse_link(f"  {link.address(ORIGIN)}\n", ORIGIN) == link


def test_a_message_has_one_address() -> None:
    """Whatever else is known of its place; the page's own address leads there, too."""
    assert Link(C, R, M).address(ORIGIN) == f"{ORIGIN}/#/m/{M}"
    assert parse_link(f"{ORIGIN}/#/c/{C}/t/{R}/m/{M}", ORIGIN) == Link(C, R, M)
    assert parse_link(f"#/m/{M}", ORIGIN) == Link(message_id=M)
    assert parse_link(f"HTTPS://Chat.Example:443/#/m/{M}", ORIGIN) == Link(message_id=M)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tea",
        f"#/t/{R}",
        f"#/c/{C}/t/nothing",
        f"#/c/{C}/new",
        f"x{ORIGIN}/#/m/{M}",
        f"javascript:alert(1)#/m/{M}",
        f"https://[::1#/m/{M}",
        f"https://chat.example@evil.example/#/m/{M}",
        f"#/m/{M} and more",
        f"https://chat.ex\N{FULLWIDTH LATIN SMALL LETTER A}mple/#/m/{M}",
    ],
)
def test_other_texts_are_no_links(text: str) -> None:
    """They name no place."""
    assert parse_link(text, ORIGIN) is None


@pytest.mark.parametrize("origin", ["https://evil.example", "http://chat.example"])
def test_a_link_of_another_server_is_refused(origin: str) -> None:
    """The sentence names both, and what to do."""
    with pytest.raises(UsageError) as refused:
        parse_link(f"{origin}/#/m/{M}", ORIGIN)
    assert str(refused.value) == (
        f"This link is of {origin}, and you use {ORIGIN}; name its server with --server."
    )


def test_a_link_of_a_host_that_looks_alike_is_named_in_ascii() -> None:
    """Nobody signs in there because the address looks like the one in use."""
    with pytest.raises(UsageError, match="This link is of https://chat.xn--exmple-4nf, and"):
        parse_link(f"https://chat.ex\N{CYRILLIC SMALL LETTER A}mple/#/m/{M}", ORIGIN)


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://example.org/a", "example.org"),
        ("https://trusted.example@evil.example/", "evil.example"),
        ("https://EXAMPLE.org:8443", "example.org"),
        ("https://ex\N{CYRILLIC SMALL LETTER A}mple.org", "xn--exmple-4nf.org"),
        ("mailto:ann@example.org", ""),
        ("https://[::1", ""),
    ],
)
def test_the_host_of_an_address_is_shown_in_ascii(address: str, host: str) -> None:
    """Neither a user name nor letters that look like others hide it."""
    assert host_of(address) == host
