"""The help screen: every key there is, from the table of keys, with the ids that move them."""

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from rustygpt_tui.keymap import FILE_NAME, SCOPES, Keymap, keys_of
from rustygpt_tui.render.text import pad
from rustygpt_tui.widgets.bindings import bindings

_WIDTH_WITH_IDS = 104
_NAMES = {
    "question_mark": "?",
    "escape": "esc",
    "pageup": "pgup",
    "pagedown": "pgdn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


class HelpScreen(ModalScreen[None]):
    """Keys by place; esc closes it."""

    BINDINGS = bindings("dialog")

    def __init__(self, keymap: Keymap, folder: str) -> None:
        super().__init__()
        self._keymap = keymap
        self._folder = folder

    def compose(self) -> ComposeResult:
        """One page that scrolls."""
        with VerticalScroll(classes="dialog help"):
            yield Static(self._page(), markup=False)

    def _page(self) -> Content:
        ids = self.app.size.width >= _WIDTH_WITH_IDS
        parts: list[str | Content | tuple[str, str]] = [("Keys\n", "bold $text-primary")]
        parts.extend((f"\n{mistake}\n", "$text-warning") for mistake in self._keymap.errors)
        for place, heading in SCOPES.items():
            parts.append((f"\n{heading}\n", "bold"))
            for key in keys_of(place):
                keys = ", ".join(key_label(part) for part in self._keymap.keys(key).split(","))
                parts.append((pad(f"  {keys}", 24), "$text-primary"))
                parts.append(pad(key.description, 46) if ids else key.description)
                parts.append((f" {key.id}\n" if ids else "\n", "$foreground 45%"))
        words = f'\nMove a key in {self._folder}/{FILE_NAME}:  [keys]  "rg.reply" = "ctrl+r"\n'
        parts.append((words, "$foreground 60%"))
        return Content.assemble(*parts)


def key_label(key: str) -> str:
    """A key as people know it."""
    modifier, _, last = key.rpartition("+")
    name = _NAMES.get(last, last)
    return f"{modifier}+{name}" if modifier else name
