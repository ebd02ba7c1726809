"""Message text as HTML: whatever it contains, nothing in it is executed or loaded."""

import re
from html import unescape

import pytest
from tests.support.readable_words import WORDS, lost_words, text_of_html
from tests.support.text_cases import CR, LATEX, MARKUP, RTL

from rustygpt_server.rendering.html import HtmlRenderer
from rustygpt_server.rendering.plain import preformatted

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
    html = HtmlRenderer().render(text)

    for tag in re.findall(r"<[^>]*>", html):
        name = re.match(r"</?([a-z0-9]+)", tag)
        assert name is not None
        assert name[1] in _ALLOWED_TAGS
        assert not re.search(r"\son\w+\s*=", tag)
        assert not re.search(r"""href=["']?\s*(javascript|data|vbscript):""", tag, re.IGNORECASE)


def test_markdown_is_rendered() -> None:
    """Emphasis, lists, tables, and highlighted code."""
    html = HtmlRenderer().render(
        "**b** `c`\n\n- x\n\n| a |\n|---|\n| 1 |\n\n```python\nimport os\n```"
    )

    for part in (
        "<strong>b</strong>",
        "<code>c</code>",
        '<li dir="auto">x</li>',
        '<td dir="auto">1</td>',
        '<span class="k',
    ):
        assert part in html


def test_links_reveal_no_referrer() -> None:
    """And the linked page gets no access to the window."""
    html = HtmlRenderer().render("[x](https://example.org/?a=1&b=2)")

    assert 'href="https://example.org/?a=1&amp;b=2"' in html
    assert 'rel="noopener noreferrer nofollow"' in html


def test_code_of_an_unknown_language_is_not_highlighted() -> None:
    """It is rendered as plain code."""
    html = HtmlRenderer().render("```no-such-language\nx = 1\n```")

    assert 'class="language-no-such-language">x = 1\n</code>' in html


@pytest.mark.parametrize("source", WORDS.values(), ids=WORDS.keys())
def test_nothing_that_was_written_is_lost(source: str) -> None:
    """Every word is visible, however it is marked up."""
    assert lost_words(source, text_of_html(HtmlRenderer().render(source))) == set()


def test_titles_are_allowed_on_links_only() -> None:
    """And `lang` nowhere; no other attribute comes from a text."""
    html = HtmlRenderer().render('[x](http://a.b "title") `c`\n\n```py lang=x title=y\nz\n```\n')
    attributes = set(re.findall(r"<(\w+)[^>]* (title|lang)=", html))

    assert attributes == {("a", "title")}


@pytest.mark.parametrize("tag", ["p", "li", "code", "pre", "span", "th", "td", "h1", "blockquote"])
@pytest.mark.parametrize("attribute", ["title", "lang", "style", "onclick", "id"])
def test_the_sanitiser_drops_attributes_that_no_rule_allows(tag: str, attribute: str) -> None:
    """Whatever the renderer before it writes."""
    html = HtmlRenderer()._cleaner.clean(f"<{tag} {attribute}='x'>y</{tag}>")

    assert f"{attribute}=" not in html


def test_formulas_keep_every_character() -> None:
    """Also where Markdown would take characters as markup; money is no formula."""
    html = unescape(HtmlRenderer().render(LATEX))

    for part in (
        "$a_1 * b_2 * c_3$",
        r"\(x_1^2\)",
        r"\[ \sum_{i=1}^n i_i \]",
        "$$\n\\begin{aligned} a &= b_1 * c_2 \\\\ &= d_*e_* \\end{aligned}\n$$",
        "Costs $5 and $10.",
    ):
        assert part in html


def test_every_kind_of_line_end_ends_a_line() -> None:
    """None is removed, which would join two words."""
    assert "10%<br>progress 50%<br>progress 100%<br>done" in HtmlRenderer().render(CR)
    for end in "\r\v\f\x85\u2028\u2029":
        assert "a<br>b" in HtmlRenderer().render(f"a{end}b")


def test_a_line_that_was_written_is_a_line() -> None:
    """A line feed breaks the line with and without the marks that CommonMark asks for."""
    html = HtmlRenderer().render("one\ntwo  \nthree\\\nfour")

    assert html == '<p dir="auto">one<br>two<br>three<br>four</p>\n'


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("see https://a.example/x_y_z?a=1&b=2, or (http://b.example).", 2),
        ("`https://a.example`", 0),
        ("[https://a.example](https://b.example)", 1),
        ("https:// and javascript://x and /relative", 0),
    ],
)
def test_a_bare_address_is_a_link(text: str, addresses: int) -> None:
    """Without the punctuation after it; code and the words of a link have none."""
    html = HtmlRenderer().render(text)

    links = re.findall(r'<a href="([^"]*)"[^>]*>(.*?)</a>', html)
    assert len(links) == addresses
    if addresses == 2:
        assert [href for href, _ in links] == [words for _, words in links]
        assert unescape(links[0][0]) == "https://a.example/x_y_z?a=1&b=2"
        assert links[1][0] == "http://b.example"


def test_emphasis_works_beside_wide_characters() -> None:
    """A wide bracket and a wide letter are no reason to leave it unmarked."""
    html = HtmlRenderer().render(MARKUP)

    assert "<strong>bold\uff08\u62ec\u53f7\uff09</strong>\u540e" in html
    assert "snake_case_name" in html


def test_direction_is_that_of_each_paragraph() -> None:
    """Overrides of the direction are dropped."""
    html = HtmlRenderer().render(RTL)

    assert html.count('dir="auto"') == 3
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", html)


def test_tables_keep_their_alignment() -> None:
    """As an attribute, since pages forbid styles in HTML."""
    html = HtmlRenderer().render("| a | b |\n|--:|:-:|\n| 1 | 2 |")

    assert html.count('align="right"') == html.count('align="center"') == 2
    assert "style=" not in html


@pytest.mark.parametrize(
    "address", ["logout", "/api/auth/logout", "//evil.example/", "#/c/x", "?a=b"]
)
def test_a_relative_address_is_no_link(address: str) -> None:
    """It would lead somewhere into the server of the page; its words and itself are text."""
    html = HtmlRenderer().render(f"[words]({address})")

    assert "<a" not in html
    assert f"words ({address})" in html


@pytest.mark.parametrize(
    "text",
    [
        "[a]: http://x/" + "y" * 1_000 + "\n\n" + "[a] " * 500,
        "|" + "a|" * 60 + "\n|" + "-|" * 60 + "\n" + "b\n" * 120,
        (">" * 19 + "a\n\n") * 300,
    ],
)
def test_html_that_would_be_far_longer_than_its_text_is_the_text(text: str) -> None:
    """A page of such messages would take hundreds of megabytes."""
    html = HtmlRenderer().render(text)

    assert html == preformatted(text)


def test_code_of_many_small_tokens_is_no_reason_to_show_the_text() -> None:
    """What people write stays far below the limit."""
    code = "```py\n" + "a=b+1\n" * 200 + "```\n"
    table = "|a|b|c|\n|:-|:-|:-|\n" + "|1|2|3|\n" * 200

    assert 'class="n"' in HtmlRenderer().render(code)
    assert "<table>" in HtmlRenderer().render(table)
