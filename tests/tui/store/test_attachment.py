"""Attachments as parts of a message's text."""

from hypothesis import given
from hypothesis import strategies as st

from rustygpt_tui.render.code_blocks import code_blocks
from rustygpt_tui.store.attachment import Attachment, with_attachments


@given(st.text("`\nab ~", min_size=1, max_size=40).filter(lambda text: text.strip()))
def test_no_text_ends_its_own_fence(text: str) -> None:
    """The block holds exactly the text, whatever fences are in it."""
    blocks = code_blocks(f"See\n\n{Attachment('a.py', text).block}\n\nafter")

    assert [(block.language, block.code.rstrip("\n")) for block in blocks] == [
        ("python", text.rstrip("\n"))
    ]


def test_attachments_are_below_the_text() -> None:
    """Each below its name, with the language of its suffix; a text is not necessary."""
    attachments = [Attachment("notes.md", "# A"), Attachment("Makefile", "all:")]

    assert with_attachments("See", attachments) == (
        "See\n\nnotes.md:\n```markdown\n# A\n```\n\nMakefile:\n```\nall:\n```"
    )
    assert with_attachments("", attachments[:1]) == "notes.md:\n```markdown\n# A\n```"
