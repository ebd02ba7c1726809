"""The main screen: what keys do, over the lists and the talk of `rooms`."""

from textual import work

from rustygpt_shared.requests import CreateConversation, UpdateConversation
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.conversation_screen import ConversationScreen
from rustygpt_tui.screens.dialogs import NewConversationDialog, TextInputDialog
from rustygpt_tui.screens.people import PeopleDialog
from rustygpt_tui.screens.settings import SettingsDialog
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.lists import SideList
from rustygpt_tui.widgets.transcript.widget import Transcript


class MainScreen(ConversationScreen):
    """Conversations, threads and a talk, worked by keys."""

    BINDINGS = bindings("anywhere")

    def on_mount(self) -> None:
        """Keep the hints at the bottom fitting."""
        self.watch(self, "focused", self._focus_moved, init=False)
        self.call_after_refresh(self._focus_moved)

    def _focus_moved(self) -> None:
        self.set_class(isinstance(self.focused, SideList), "-lists")
        self.show_hints()

    def show_hints(self) -> None:
        """Tell the keys that matter where one is; what stops an answer comes first."""
        if isinstance(self.focused, Composer):
            hints = "enter send · ^j new line · esc messages · ^p commands"
            stop = "esc stops the answer · enter send · ^p commands"
        elif isinstance(self.focused, Transcript):
            hints = "r reply · y copy · Y code · i write · n next unread · ? keys"
            stop = "esc stops the answer · r reply · y copy · i write · ? keys"
        else:
            hints = "enter open · c new · ^n thread · p people · ? keys · ^q quit"
            stop = "x stops the answer · enter open · c new · ? keys · ^q quit"
        self.status.show_hints(stop if self.thread_pane.answer_in_progress() else hints)

    def action_focus_lists(self) -> None:
        """Go to the conversations; from there on, to the threads and back."""
        self.add_class("-lists")
        there = self.query_one("#conversations").has_focus
        self.query_one("#threads" if there else "#conversations").focus()

    def action_compose(self) -> None:
        """Write."""
        self.focus_composer()

    def action_read(self, step: int) -> None:
        """Turn a page of the messages while one writes."""
        self.thread_pane.transcript.action_page(step)

    def action_back(self) -> None:
        """Stop the answer in progress; else leave what one is in, step by step."""
        if self.thread_pane.answer_in_progress() is not None and not isinstance(
            self.focused, SideList
        ):
            self.action_stop()
        elif not self.thread_pane.leave_reply_or_composer():
            self.action_focus_lists()

    def action_stop(self) -> None:
        """Stop the answer in progress."""
        if (answer := self.thread_pane.answer_in_progress()) is not None:
            self.thread_pane.stop_answer(answer)

    def action_reply(self) -> None:
        """Answer the selected message."""
        self.thread_pane.reply()

    def action_copy(self) -> None:
        """Copy the selected message."""
        self.thread_pane.copy()

    def action_copy_code(self) -> None:
        """Copy a block of code of the selected message."""
        self.thread_pane.copy_code()

    def action_new_thread(self) -> None:
        """Start a thread in the open conversation."""
        if self.conversation and self.conversation.state:
            self.open_thread(None)
            self.focus_composer()

    def action_next_unread(self) -> None:
        """Open the next thread, here or elsewhere, that has something unread."""
        state = self.conversation.state if self.conversation else None
        here = [t.root_id for t in state.threads if state.unread.get(t.root_id)] if state else []
        elsewhere = [c.id for c in self.conversations if c.unread and c.id != self.selected_id]
        if here and here != [self.thread_pane.root]:
            self.open_thread(next(root for root in here if root != self.thread_pane.root))
        elif elsewhere:
            self.open_conversation(elsewhere[0])
        else:
            self.notify("Nothing is unread.", markup=False, timeout=2)

    def action_retry(self) -> None:
        """Connect again now."""
        if self.conversation and self.conversation.state:
            self.reconnect(self.conversation)
            self.thread_pane.resume_loading()
        elif self.selected_id:
            self.open_conversation(self.selected_id)
        else:
            self.list_conversations()

    def action_people(self) -> None:
        """Show who is in the conversation."""
        if self.conversation and self.conversation.state:
            is_admin = "admin" in self._user.roles
            self.app.push_screen(
                PeopleDialog(self.client, self.conversation, may_create_accounts=is_admin)
            )

    def action_new_conversation(self) -> None:
        """Ask what the new conversation is, and open it."""

        def on_request(request: CreateConversation | None) -> None:
            if request:
                self._create(request)

        self.app.push_screen(NewConversationDialog(), on_request)

    @work(group="create", exit_on_error=False)
    async def _create(self, request: CreateConversation) -> None:
        created = await self.client.create_conversation(request)
        self.open_conversation(created)
        self.list_conversations()
        self.focus_composer()

    def action_settings(self) -> None:
        """Change the conversation's settings."""

        def on_saved(changed: bool | None) -> None:
            if changed:
                self.list_conversations()

        if (conversation := self._editable_conversation()) and conversation.state:
            self.app.push_screen(SettingsDialog(self.client, conversation.state.info), on_saved)

    def _editable_conversation(self) -> ConversationSession | None:
        """The open conversation, if the person may change it; else it is said who may."""
        state = self.conversation.state if self.conversation else None
        if state is None or state.role in {"owner", "admin"}:
            return self.conversation
        words = "Only its owner and its admins change a conversation."
        self.notify(words, markup=False, timeout=3)
        return None

    def action_rename(self) -> None:
        """Ask for another title."""
        conversation = self._editable_conversation()
        if conversation and conversation.state:
            dialog = TextInputDialog(
                "Rename the conversation", one_line(conversation.state.info.title)
            )

            def on_title(title: str | None) -> None:
                if title:
                    self._rename(conversation, title)

            self.app.push_screen(dialog, on_title)

    @work(group="rename", exit_on_error=False)
    async def _rename(self, conversation: ConversationSession, title: str) -> None:
        await self.client.update_conversation(conversation.id, UpdateConversation(title=title))
        self.list_conversations()
