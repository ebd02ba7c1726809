"""Exports in Markdown: texts of users stay within their block quote."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from markdown_it import MarkdownIt

from rustygpt_server.services.export_markdown import MarkdownWriter
from rustygpt_shared.models.exports import ExportedMessage, ExportedRevision

_NOW = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)


async def _no_revisions() -> AsyncIterator[Sequence[ExportedRevision]]:
    return
    yield []


def _message(number: int, content: str, depth: int = 1, **fields: Any) -> ExportedMessage:
    return ExportedMessage(UUID(int=number), UUID(int=1), depth, number, "user", content, _NOW,
        **fields)  # fmt: skip


async def _markdown(*messages: ExportedMessage) -> str:
    writer = MarkdownWriter()
    parts = [
        part for message in messages async for part in writer.message(message, _no_revisions())
    ]
    return b"".join(parts).decode()


@pytest.mark.parametrize(
    "content",
    [
        "# heading\n---\n***",
        "```\nnot closed",
        "~~~ x\n``` \nnot closed",
        "<script>alert(1)</script>",
        "</blockquote>\n<details>",
        "a\r# b\r\n## c",
        "- list\n\n      ```\n<b>x",
        "```\n```\n<script>x",
        "``` a`b\n<script>x",
        "```\n    ```\n<b>in code</b>\n```\n<script>x",
        "    ```\n<script>x",
        "1. x\n   ```\n<script>x",
        "> quote\nlazy",
        "lazy",
        "<!-- comment",
        "<https://example.org>",
    ],
)
async def test_no_text_leaves_its_block_quote(content: str) -> None:
    """The message after it is a heading at the outermost level; there is no HTML in between."""
    text = await _markdown(_message(1, content), _message(2, "second", author_name="Bob"))
    tokens = MarkdownIt("commonmark").parse(text)
    outer = [t.type for t in tokens if t.level == 0 and t.nesting >= 0]
    kinds = {child.type for token in tokens for child in token.children or []}
    html = [token for token in tokens if token.type == "html_block"]

    expected = ["heading_open", "paragraph_open", "blockquote_open"]
    assert outer == ["hr", "heading_open", *expected, "hr", "heading_open", *expected]
    assert not html
    assert "html_inline" not in kinds


async def test_code_stays_as_it_is() -> None:
    """In fenced code nothing is replaced."""
    text = await _markdown(_message(1, "```cpp\nvector<int> x;\n```\nand <b>"))

    assert "> vector<int> x;\n" in text
    assert "and &lt;b>" in text


async def test_names_are_only_text() -> None:
    """A name neither begins a link nor another line."""
    text = await _markdown(_message(1, "x", author_name="[a](b)\n# <b>*c*"))

    assert "### 1. \\[a\\]\\(b\\) \\# \\<b\\>\\*c\\*\n" in text


async def test_a_message_names_what_it_answers() -> None:
    """Unless that is the message before it."""
    text = await _markdown(
        _message(1, "root"), _message(2, "a", 2), _message(3, "b", 3), _message(4, "c", 2)
    )
    facts = [line for line in text.splitlines() if line.startswith("2026-")]

    assert ["in reply to" in line for line in facts] == [False, False, False, True]
    assert "in reply to 1" in facts[3]
