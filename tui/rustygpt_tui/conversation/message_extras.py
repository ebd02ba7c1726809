"""What the next message has besides its text: attachments, and a model of its own."""

from dataclasses import dataclass, replace
from typing import Self

from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.store.attachment import Attachment, with_attachments


@dataclass(frozen=True)
class MessageExtras:
    """Kept with the draft until the message is sent."""

    model: str | None = None
    """The model that answers this message; None for that of the conversation."""
    attachments: tuple[Attachment, ...] = ()

    def content(self, text: str) -> str:
        """Return the content of the message with this text."""
        return with_attachments(text, self.attachments)

    def characters_left(self, text: str) -> int:
        """Return how many characters fit into the message besides its text; may be negative."""
        return MESSAGE_MAX - len(self.content(text))

    def with_attachment(self, attachment: Attachment) -> Self:
        """Return the extras with one more attachment, whose name is changed if it is taken."""
        names = {other.name for other in self.attachments}
        name, number = attachment.name, 1
        while name in names:
            number += 1
            stem, dot, suffix = attachment.name.rpartition(".")
            name = f"{stem}-{number}.{suffix}" if dot and stem else f"{attachment.name}-{number}"
        return replace(self, attachments=(*self.attachments, attachment._replace(name=name)))

    def without_attachment(self, index: int) -> Self:
        """Return the extras without one of the attachments."""
        kept = (*self.attachments[:index], *self.attachments[index + 1 :])
        return replace(self, attachments=kept)
