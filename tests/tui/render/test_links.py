"""The addresses of a Markdown text."""

from rustygpt_tui.render.links import MAX_LINKS, links


def test_all_kinds_of_links_are_found_once() -> None:
    """Links, images and bare addresses, also in lists and by reference; code has none."""
    text = (
        "See [a](https://a.example/x) and https://b.example, again https://b.example.\n\n"
        "- ![picture](https://c.example/p.png)\n- [mail](mailto:ann@d.example)\n\n"
        "[e][1]\n\n[1]: https://e.example\n\n```\nhttps://code.example\n```"
    )

    assert links(text) == [
        "https://a.example/x",
        "https://b.example",
        "https://c.example/p.png",
        "mailto:ann@d.example",
        "https://e.example",
    ]


def test_only_web_and_mail_addresses_are_found() -> None:
    """Nothing that runs a program or reads a file, and no control characters."""
    text = "[a](javascript:x) [b](file:///etc/passwd) [c](ssh://x) https://a.example/\x1b[2Jb"

    assert links(text) == ["https://a.example/[2Jb"]


def test_the_links_of_a_long_text_are_bounded() -> None:
    """Those that are written out are found without parsing the Markdown of it."""
    text = "\n\n".join(f"**{number}** https://a.example/{number}" for number in range(3_000))

    assert links(text) == [f"https://a.example/{number}" for number in range(MAX_LINKS)]
