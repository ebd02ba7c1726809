"""Links to messages."""

from uuid import UUID

import pytest

from rustygpt_tui.conversation.links import Link, host_of, parse_link

C, R, M = UUID(int=1), UUID(int=2), UUID(int=3)


@pytest.mark.parametrize("link", [Link(C), Link(C, R), Link(C, R, M)])
def test_an_address_leads_back_to_its_place(link: Link) -> None:
    """With blanks around it, too."""
    assert parse_link(f"  {link.address('https://chat.example')}\n") == link


@pytest.mark.parametrize("text", ["", "tea", f"#/t/{R}", f"#/c/{C}/t/nothing", f"#/c/{C}/new"])
def test_other_texts_are_no_links(text: str) -> None:
    """They name no place."""
    assert parse_link(text) is None


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
