"""Message text as HTML: whatever it contains, nothing in it is executed or loaded."""

import re

import pytest

from rustygpt_server.services.markdown import Markdown

_ALLOWED_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre"),
    *("ul", "ol", "li", "blockquote", "table", "thead", "tbody", "tr", "th", "td", "a", "span"),
}
_HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "<javascript:alert(1)>",
    "![x](https://example.org/x.png)",
    "![x](javascript:alert(1))",
    '[x](https://example.org "onmouseover=alert(1)")',
    "```html\n<script>alert(1)</script>\n```",
    '```"><script>alert(1)</script>\nx\n```',
    "```python\n'</span><script>alert(1)</script>'\n```",
    "`<script>`",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe src=//example.org></iframe>",
    "<!-- <script> -->",
    "<style>*{background:url(//example.org)}</style>",
    "| <b onclick=x> |\n|---|\n| <script> |",
    "[x]: javascript:alert(1)\n\n[x]",
    "\x00<script>",
    "<" * 2_000,
    "[" * 2_000,
    "> " * 500 + "x",
    "*" * 3_000,
]


@pytest.mark.parametrize("text", _HOSTILE, ids=lambda _: "")
def test_hostile_text_stays_text(text: str) -> None:
    """No active element, no event handler, no script URL, and no image that is loaded."""
    html = Markdown().render(text)

    for tag in re.findall(r"<[^>]*>", html):
        name = re.match(r"</?([a-z0-9]+)", tag)
        assert name is not None
        assert name[1] in _ALLOWED_TAGS
        assert not re.search(r"\son\w+\s*=", tag)
        assert not re.search(r"""href=["']?\s*(javascript|data|vbscript):""", tag, re.IGNORECASE)


def test_markdown_is_rendered() -> None:
    """Emphasis, lists, tables, and highlighted code."""
    html = Markdown().render("**b** `c`\n\n- x\n\n| a |\n|---|\n| 1 |\n\n```python\nimport os\n```")

    for part in (
        "<strong>b</strong>",
        "<code>c</code>",
        "<li>x</li>",
        "<td>1</td>",
        '<span class="k',
    ):
        assert part in html


def test_links_reveal_no_referrer() -> None:
    """And the linked page gets no access to the window."""
    html = Markdown().render("[x](https://example.org/?a=1&b=2)")

    assert 'href="https://example.org/?a=1&amp;b=2"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


def test_code_of_an_unknown_language_is_not_highlighted() -> None:
    """It is rendered as plain code."""
    assert "<span" not in Markdown().render("```no-such-language\nx = 1\n```")
