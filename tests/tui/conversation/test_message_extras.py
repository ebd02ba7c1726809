"""What the next message has besides its text."""

from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.conversation.message_extras import MessageExtras
from rustygpt_tui.store.attachment import Attachment


def test_attachments_have_different_names() -> None:
    """A name that is taken gets a number before its suffix."""
    extras = MessageExtras()
    for name in ("a.py", "a.py", "a.py", "Makefile", "Makefile", ".env", ".env"):
        extras = extras.with_attachment(Attachment(name, "x"))

    names = [attachment.name for attachment in extras.attachments]
    assert names == ["a.py", "a-2.py", "a-3.py", "Makefile", "Makefile-2", ".env", ".env-2"]
    assert [a.name for a in extras.without_attachment(1).attachments][:2] == ["a.py", "a-3.py"]


def test_the_space_that_is_left_counts_names_and_fences() -> None:
    """It is that of the content which is sent."""
    extras = MessageExtras().with_attachment(Attachment("a.py", "x" * 100))

    content = extras.content("See")
    assert content == f"See\n\na.py:\n```python\n{'x' * 100}\n```"
    assert extras.characters_left("See") == MESSAGE_MAX - len(content)
    assert extras.characters_left("y" * MESSAGE_MAX) < 0
