"""The line under the messages that tells who else is writing; it is not there when nobody is."""

from uuid import UUID

from textual.content import Content
from textual.widgets import Static

from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.store.state import State


class TypingLine(Static):
    """Who else is writing in a thread."""

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self.display = False

    def show(self, state: State | None, root_id: UUID | None, cells: int) -> None:
        """Tell it for a thread, in at most so many cells."""
        words = typing_text(state, root_id, cells) if state and root_id else ""
        self.update(Content.styled(words, "$foreground 60%"))
        self.display = bool(words)


def typing_text(state: State, root_id: UUID, cells: int) -> str:
    """Who else is writing in a thread, in words; empty when nobody is."""
    names = sorted(one_line(state.name_of(user_id)) for user_id in state.typing_users(root_id))
    if not names:
        return ""
    if len(names) > 2:
        return shorten(f"{len(names)} people are writing …", cells)
    end = " is writing …" if len(names) == 1 else " are writing …"
    return shorten(" and ".join(names), max(1, cells - len(end))) + end
