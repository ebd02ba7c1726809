"""Parts of dialogs and forms that stay usable on small terminals: fields and a failure line."""

from typing import Any

from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Offset, Region, Spacing
from textual.widget import Widget
from textual.widgets import Static

from rustygpt_tui.render.text import one_line


class FormFields(VerticalScroll, can_focus=False):
    """Fields and buttons, scrolled so that the focused one is in view with its label above."""

    def on_descendant_focus(self) -> None:
        """Show the field that got the focus."""
        self.call_after_refresh(self._show_focused)

    def on_resize(self) -> None:
        """Show the focused field also in less space."""
        self.call_after_refresh(self._show_focused)

    def scroll_to_region(self, region: Region, **options: Any) -> Offset:
        """Scroll at once and as little as possible.

        Textual centres the focused field with an animation, which would end where the field was
        before the terminal's height was applied to the layout.
        """
        return super().scroll_to_region(region, **{**options, "animate": False, "center": False})

    def _show_focused(self) -> None:
        focused = self.screen.focused
        if focused is None or self not in focused.ancestors:
            return
        row = next(widget for widget in focused.ancestors_with_self if widget.parent is self)
        if isinstance(row, Widget):
            has_space = row.virtual_region.height < self.size.height
            region = row.virtual_region.grow(Spacing(top=1)) if has_space else row.virtual_region
            self.scroll_to_region(region)


class FailureLine(Static):
    """Why something failed, below the fields, where it never scrolls out of view (app.tcss).

    It takes no space while there is no failure.
    """

    def __init__(self) -> None:
        super().__init__("", id="failure", classes="failure", markup=False)
        self.display = False

    def show(self, text: str) -> None:
        """Show a sentence."""
        self.update(Content(one_line(text)))
        self.display = True

    def hide(self) -> None:
        """Show nothing."""
        self.display = False
