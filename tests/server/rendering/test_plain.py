"""Text as HTML without Markdown."""

from rustygpt_server.rendering.plain import preformatted


def test_nothing_in_the_text_is_markup() -> None:
    """It is escaped, and its line ends are kept."""
    assert preformatted("<b>&\r**x**\u202e") == "<pre>&lt;b&gt;&amp;\n**x**</pre>\n"
