"""The left side of the main screen: the lists of conversations and threads."""

from datetime import datetime
from uuid import UUID

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from rustygpt_tui.conversation.conversation_controller import ConversationController
from rustygpt_tui.conversation.view_models import (
    conversation_rows,
    thread_rows,
    unread_besides_answers,
)
from rustygpt_tui.widgets.lists import SideList


class SidePanel(Vertical):
    """Two lists; their messages bubble up to the screen."""

    def compose(self) -> ComposeResult:
        """Create the two lists with their titles."""
        yield Static(Content.styled("Conversations", "bold"), classes="list-title")
        yield SideList("None yet: c starts one", id="conversations")
        yield Static(Content.styled("Threads", "bold"), classes="list-title")
        yield SideList("None yet", id="threads")

    @property
    def conversations(self) -> SideList:
        """The list of conversations."""
        return self.query_one("#conversations", SideList)

    @property
    def threads(self) -> SideList:
        """The list of threads of the open conversation."""
        return self.query_one("#threads", SideList)

    def show(self, controller: ConversationController, root: UUID | None, now: datetime) -> None:
        """Show what the controller holds, with `root` as the open thread."""
        state = controller.state
        hidden = state.unread(root) - unread_besides_answers(state, root) if state and root else 0
        rows = conversation_rows(controller.conversations, {controller.selected_id: hidden})
        self.conversations.show(rows, controller.selected_id)
        self.threads.show(thread_rows(state, now, root), root)

    def focus_next(self) -> None:
        """Move the focus to the conversations; from there to the threads."""
        (self.threads if self.conversations.has_focus else self.conversations).focus()
