"""The key hints in the status line, which depend on the focused widget."""

from textual.widget import Widget

from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.transcript.widget import Transcript


def key_hints(focused: Widget | None, *, answering: bool) -> str:
    """Return the most useful keys; while an answer is written, the one that stops it is first."""
    if isinstance(focused, Composer):
        hints = "enter send · ^j new line · esc messages · ^p commands"
        answering_hints = "esc stops the answer · enter send · ^p commands"
    elif isinstance(focused, Transcript):
        hints = "r reply · y copy · Y code · i write · n next unread · ? keys"
        answering_hints = "esc stops the answer · r reply · y copy · i write · ? keys"
    else:
        hints = "enter open · c new · ^n thread · p people · ? keys · ^q quit"
        answering_hints = "x stops the answer · enter open · c new · ? keys · ^q quit"
    return answering_hints if answering else hints
