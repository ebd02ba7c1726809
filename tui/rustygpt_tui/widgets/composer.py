"""Where people write. Enter sends, other keys make a new line, and a paste never sends."""

from textual import events
from textual.message import Message
from textual.widgets import TextArea

from rustygpt_tui.render.text import clean
from rustygpt_tui.widgets.bindings import bindings


class Composer(TextArea):
    """A text that grows with what is written, up to a third of the screen."""

    BINDINGS = bindings("composer")

    class Submitted(Message):
        """The text is to be sent."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str) -> None:
        super().__init__(
            id=id, tab_behavior="focus", highlight_cursor_line=False, placeholder="Write a message"
        )

    @property
    def text_to_send(self) -> str:
        """What is written, as it would be sent."""
        return clean(self.text).rstrip()

    async def _on_key(self, event: events.Key) -> None:
        """Send or break the line in the order of typing, not when the key has bubbled up."""
        if event.is_printable:
            return
        active = self.screen.active_bindings.get(event.key)
        if active is None or active.node is not self:
            return
        if active.binding.id in {"rg.send", "rg.newline"}:
            event.stop()
            event.prevent_default()
            await self.run_action(active.binding.action)

    def action_send(self) -> None:
        """Hand over the text and be empty for the next one; an empty text is not sent."""
        written = self.text_to_send
        if written and not self.read_only:
            self.set_text("")
            self.post_message(self.Submitted(written))

    def action_newline(self) -> None:
        """Break the line."""
        self.insert("\n")

    def set_text(self, text: str) -> None:
        """Hold another text, with the cursor at its end."""
        with self.prevent(TextArea.Changed):
            self.load_text(text)
        self.move_cursor(self.document.end)
