"""The left side of the main screen: the lists of conversations and threads."""

from datetime import datetime
from typing import Final
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

_LOADING: Final = "Loading …"


class SidePanel(Vertical):
    """Two lists; their messages bubble up to the screen."""

    def compose(self) -> ComposeResult:
        """Create the two lists with their titles."""
        yield Static(Content.styled("Conversations", "bold"), classes="list-title")
        yield SideList(_LOADING, id="conversations")
        yield Static(Content.styled("Threads", "bold"), classes="list-title")
        yield SideList(_LOADING, id="threads")

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
        no_conversation = "None yet: c starts one" if controller.is_list_fetched else _LOADING
        is_loading = state is None and controller.selected_id is not None
        no_thread = _LOADING if is_loading else "None yet"
        self.conversations.show(rows, controller.selected_id, empty=no_conversation)
        self.threads.show(thread_rows(state, now, root), root, empty=no_thread)

    def focus_next(self) -> None:
        """Move the focus to the conversations; from there to the threads."""
        (self.threads if self.conversations.has_focus else self.conversations).focus()
