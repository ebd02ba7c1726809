"""The buttons and checkboxes of forms and dialogs: Textual's, with one change each."""

from textual.content import Content
from textual.widgets import Button as TextualButton
from textual.widgets import Checkbox as TextualCheckbox


class Button(TextualButton):
    """Is pressed by every Enter; Textual's ignores the key for 0.2 s after a press.

    The button of a screen that is left and shown again within this time would ignore it as well.
    """

    def action_press(self) -> None:
        """Press the button."""
        self.press()


class Checkbox(TextualCheckbox):
    """Shows `[x]` or `[ ]`; Textual's shows an X in both states, in different colours."""

    def render(self) -> Content:
        """Return the mark and the label."""
        mark = "[x]" if self.value else "[ ]"
        label = self.label.pad(1, 1).stylize_before(self.get_visual_style("toggle--label"))
        return Content.assemble((mark, self.get_visual_style("toggle--button")), label)
