"""The line below the messages with the names of other people who are typing."""

from uuid import UUID

from textual.content import Content
from textual.widgets import Static

from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.store.state import State


class TypingLine(Static):
    """One line of text, hidden while no one else types."""

    def __init__(self, *, id: str) -> None:
        super().__init__("", id=id, markup=False)
        self.display = False

    def show(self, state: State | None, root_id: UUID | None, cells: int) -> None:
        """Show who types in a thread, in at most `cells` cells."""
        text = typing_text(state, root_id, cells) if state and root_id else ""
        self.update(Content.styled(text, "$foreground 60%"))
        self.display = bool(text)


def typing_text(state: State, root_id: UUID, cells: int) -> str:
    """Return a sentence about who else types in a thread; an empty text when no one does."""
    names = sorted(one_line(state.name_of(user_id)) for user_id in state.typing_users(root_id))
    if not names:
        return ""
    if len(names) > 2:
        return shorten(f"{len(names)} people are writing …", cells)
    end = " is writing …" if len(names) == 1 else " are writing …"
    return shorten(" and ".join(names), max(1, cells - len(end))) + end
