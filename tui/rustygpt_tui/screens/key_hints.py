"""The key hints in the status line, which depend on the focused widget."""

from typing import Literal

from textual.widget import Widget

from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.transcript.entries import Entry
from rustygpt_tui.widgets.transcript.widget import Transcript

Answering = Literal["own", "other"] | None
"""An answer in progress in the open thread: one that the user asked for, or another one."""


def key_hints(focused: Widget | None, answering: Answering, selected: Entry | None = None) -> str:
    """Return the most useful keys; while an answer is written, the one that stops it is first.

    Then come those of the selected message only.
    """
    if isinstance(focused, Composer):
        stop = "esc stops the answer · shift+tab messages · " if answering == "own" else ""
        write = "" if focused.read_only else "enter send · ^j new line · "
        leave = "" if answering == "own" else "esc messages · "
        return f"{stop}{write}{leave}^p commands"
    stop_key = "esc" if answering == "own" and isinstance(focused, Transcript) else "x"
    stop = f"{stop_key} stops the answer · " if answering else ""
    if isinstance(focused, Transcript):
        hints = "".join(f"{hint} · " for hint in _hints_of(selected)) if selected else ""
        usual = "r reply · e edit · d delete · i write · n next unread · y copy · ? keys"
        return f"{stop}{hints}{usual}"
    return f"{stop}enter open · n next unread · c new · ^n thread · p people · ? keys · ^q quit"


def _hints_of(entry: Entry) -> list[str]:
    """Return the keys that do something with this message only."""
    hints = []
    is_incomplete = entry.message.finish_reason in {"cancelled", "timeout", "error"}
    if entry.may_ask_again and is_incomplete:
        hints.append("R asks again, W another model")
    if entry.siblings is not None:
        hints.append("[ ] other answers, b side by side")
    if entry.message.reasoning:
        hints.append("t reasoning")
    return hints
