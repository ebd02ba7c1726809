"""The actions of the main screen that go to a message: search, find in the thread, links."""

from uuid import UUID

from textual import work
from textual.dom import DOMNode

from rustygpt_tui.conversation.conversation_controller import ConversationController
from rustygpt_tui.conversation.links import Link
from rustygpt_tui.conversation.thread_search import ThreadSearch
from rustygpt_tui.errors import ClientError
from rustygpt_tui.screens.dialogs import TextInputDialog
from rustygpt_tui.screens.search import SearchDialog
from rustygpt_tui.screens.thread_pane import ThreadPane


class SearchKeysMixin(DOMNode):
    """For the main screen, which has a controller and a thread pane; list it after its class."""

    controller: ConversationController
    start_at: Link | None = None
    """The place that is opened first."""
    _found: ThreadSearch | None = None
    """What was searched last within a thread."""

    def open_conversation(self, id: UUID, link: Link | None = None) -> None:
        """Open a conversation at a link; the screen does."""
        raise NotImplementedError

    def focus_messages(self) -> None:
        """Move the focus to the messages; the screen does."""
        raise NotImplementedError

    def action_search(self) -> None:
        """Search all conversations, and go to the message that is chosen."""

        def on_closed(link: Link | None) -> None:
            if link is not None:
                self.go_to_link(link)

        self.app.push_screen(SearchDialog(self.controller.client), on_closed)

    def go_to_link(self, link: Link) -> None:
        """Open the place of a link, and move the focus to its messages."""
        if link.conversation_id is not None:
            self.open_conversation(link.conversation_id, link)
            self.focus_messages()
        elif link.message_id is not None:
            self._go_to_message(link.message_id)

    @work(group="link", exclusive=True, exit_on_error=False)
    async def _go_to_message(self, message_id: UUID) -> None:
        """Find out where a message is, and go there; say why if that is not possible."""
        try:
            message = await self.controller.client.get_message(message_id)
        except ClientError as failure:
            self.app.notify(failure.sentence, severity="error", markup=False)
            return
        if message.deleted_at is not None:
            self.app.notify("This message was deleted.", severity="warning", markup=False)
        self.go_to_link(Link(message.conversation_id, message.root_id, message.id))

    # Within the open thread

    @property
    def _pane(self) -> ThreadPane:
        return self.query_one(ThreadPane)

    def action_find(self) -> None:
        """Ask for words, and go to the next message of the thread that has them."""
        if self._pane.root is None:
            self.app.notify("Open a thread first.", markup=False, timeout=2)
            return

        def on_closed(text: str | None) -> None:
            if text:
                self._find(text)

        last = self._found.text if self._found else ""
        self.app.push_screen(TextInputDialog("Find in this thread", last), on_closed)

    @work(group="find", exclusive=True, exit_on_error=False)
    async def _find(self, text: str) -> None:
        root = self._pane.root
        if root is None:
            return
        found = ThreadSearch(self.controller.client)
        try:
            await found.find(root, text)
        except ClientError as failure:
            self.app.notify(failure.sentence, severity="error", markup=False)
            return
        self._found = found
        self._go_to_match(0)

    def action_find_match(self, step: int) -> None:
        """Go to the next or previous message that was found; in another thread, search there."""
        if self._found is None:
            self.action_find()
        elif self._found.root != self._pane.root:
            self._find(self._found.text)
        else:
            self._go_to_match(step)

    def _go_to_match(self, step: int) -> None:
        found = self._found
        if not found:
            self.app.notify("No message of this thread has these words.", markup=False, timeout=3)
            return
        selected = self._pane.transcript.selected_or_lowest()
        number, message_id = found.step(selected.message.path if selected else "", step)
        self._pane.go_to(message_id)
        self.focus_messages()
        more = "" if found.is_complete else "+"
        self.app.notify(f"{number} of {len(found)}{more}", markup=False, timeout=2)
