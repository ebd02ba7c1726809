"""The text field for messages: enter sends, other keys break the line, a paste never sends."""

from typing import NamedTuple, cast

from textual import events
from textual.document._document import Document
from textual.message import Message
from textual.widgets import TextArea

from rustygpt_tui.client.typed_text import typed_text
from rustygpt_tui.widgets.bindings import bindings


class PastedText(NamedTuple):
    """A text that was pasted, and the index in the field after its last character."""

    text: str
    end: int


class Composer(TextArea):
    """A text area that grows with its text up to a maximum height (app.tcss)."""

    BINDINGS = bindings("composer")

    class Submitted(Message):
        """The user sent the text."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str) -> None:
        super().__init__(
            id=id, tab_behavior="focus", highlight_cursor_line=False, placeholder="Write a message"
        )
        self.may_send_empty = False
        """True when there is something to send besides a text."""
        self._pasted = ""

    @property
    def text_to_send(self) -> str:
        """The text without control characters and trailing space."""
        return typed_text(self.text).rstrip()

    async def _on_key(self, event: events.Key) -> None:
        """Run send and newline before the key bubbles up, which keeps the order of typing.

        While the text cannot be changed, typed characters end here: as keys of the screen they
        would run commands.
        """
        if event.is_printable:
            if self.read_only:
                event.stop()
                event.prevent_default()
            return
        active = self.screen.active_bindings.get(event.key)
        if active is None or active.node is not self:
            return
        if active.binding.id in {"rg.send", "rg.newline"}:
            event.stop()
            event.prevent_default()
            await self.run_action(active.binding.action)

    async def _on_paste(self, event: events.Paste) -> None:
        """Turn line ends of every kind to line feeds, before the text area inserts the text."""
        event.text = self._pasted = typed_text(event.text)

    def action_paste(self) -> None:
        """Paste what was copied in this program."""
        self._pasted = self.app.clipboard
        super().action_paste()

    @property
    def _plain_document(self) -> Document:
        return cast("Document", self.document)

    def take_pasted(self) -> PastedText | None:
        """Return the paste that the last change of the text was, once; None for another change."""
        text, self._pasted = self._pasted, ""
        end = self._plain_document.get_index_from_location(self.cursor_location)
        pasted = PastedText(text, end)
        return pasted if text and self.has_pasted(pasted) else None

    def has_pasted(self, pasted: PastedText) -> bool:
        """Return whether a paste is still where it was inserted."""
        return self.text[: pasted.end].endswith(pasted.text)

    def text_without(self, pasted: PastedText) -> str:
        """Return the text without a paste."""
        return self.text[: pasted.end - len(pasted.text)] + self.text[pasted.end :]

    def remove_pasted(self, pasted: PastedText) -> bool:
        """Delete a paste, which can be undone; return False when it is not there any more."""
        if not self.has_pasted(pasted):
            return False
        ends = (pasted.end - len(pasted.text), pasted.end)
        start, end = (self._plain_document.get_location_from_index(index) for index in ends)
        self.delete(start, end)
        return True

    def action_send(self) -> None:
        """Post the text and clear the field; an empty text is not sent."""
        text = self.text_to_send
        if (text or self.may_send_empty) and not self.read_only:
            self.set_text("")
            self.post_message(self.Submitted(text))

    def action_newline(self) -> None:
        """Insert a line feed."""
        self.insert("\n")

    def set_text(self, text: str) -> None:
        """Replace the text without a `Changed` message, and move the cursor to its end."""
        with self.prevent(TextArea.Changed):
            self.load_text(typed_text(text))
        self.move_cursor(self.document.end)
