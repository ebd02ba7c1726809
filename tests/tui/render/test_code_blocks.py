"""The code blocks of a Markdown text."""

from rustygpt_tui.render.code_blocks import CodeBlock, code_blocks


def test_all_kinds_of_code_blocks_are_extracted() -> None:
    """Fenced blocks, also in lists and quotes, and indented ones are returned unchanged."""
    text = (
        "Run\n\n```sh title\nmake\nmake test\n```\n\n- then\n  ~~~py\n  x = 1\n  ~~~\n\n"
        "> ```\n> quoted\n> ```\n\ntext\n\n    indented\n\n`inline` is not a block"
    )

    assert code_blocks(text) == [
        CodeBlock("make\nmake test\n", "sh"),
        CodeBlock("x = 1\n", "py"),
        CodeBlock("quoted\n"),
        CodeBlock("indented\n"),
    ]
    assert [block.lines for block in code_blocks(text)] == [2, 1, 1, 1]


def test_control_characters_are_removed() -> None:
    """Copied code cannot control the terminal that it is pasted into."""
    assert code_blocks("```\na\x1b[201~b\n```") == [CodeBlock("a[201~b\n")]
