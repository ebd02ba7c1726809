"""The line above the composer with what the next message has besides its text."""

from typing import Final

from textual.content import Content
from textual.widgets import Static

from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.store.attachment import Attachment

_NAME_CELLS: Final = 24
_SHOWN: Final = 4
_NO_BREAK: Final = "\xa0"
"""A space within an attachment, so that lines break between two of them."""
_DIM: Final = "$foreground 60%"


class ExtrasLine(Static):
    """Attachments, the model of this message, and an offer; no space while there is nothing."""

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self.display = False

    def show(
        self,
        attachments: tuple[Attachment, ...],
        model: str | None,
        *,
        left: int = 0,
        offer: str = "",
    ) -> None:
        """Show attachments, a model and an offer; `left` characters still fit in."""
        parts = [Content.styled(one_line(offer), "$text-warning")] if offer else []
        parts.extend(_chip(attachment) for attachment in attachments[:_SHOWN])
        if len(attachments) > _SHOWN:
            parts.append(Content.styled(f"and {len(attachments) - _SHOWN:,} more", "$text-primary"))
        if model:
            parts.append(Content.styled(f"model {shorten(one_line(model), 40)}", "$text-accent"))
        if attachments:
            parts.append(_space(left))
        self.update(Content(" · ").join(parts))
        self.display = bool(parts)


def _chip(attachment: Attachment) -> Content:
    name = shorten(attachment.name, _NAME_CELLS).replace(" ", _NO_BREAK)
    size = f"{_NO_BREAK}{len(attachment.text):,}{_NO_BREAK}characters"
    return Content.assemble((f"+{_NO_BREAK}{name}", "$text-primary"), (size, _DIM))


def _space(left: int) -> Content:
    if left < 0:
        return Content.styled(f"{-left:,} characters too many · ^l removes", "$text-error")
    return Content.styled(f"{left:,} left · ^l removes", _DIM)
