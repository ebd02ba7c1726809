"""Opens the dialogs that create or change a conversation, and sends what was entered."""

from collections.abc import Callable
from uuid import UUID

from textual.screen import Screen

from rustygpt_shared.requests import CreateConversation, UpdateConversation
from rustygpt_tui.conversation.conversation_controller import ConversationController
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.dialogs import NewConversationDialog, TextInputDialog
from rustygpt_tui.screens.people import PeopleDialog
from rustygpt_tui.screens.settings import SettingsDialog


class ConversationDialogs:
    """The dialogs over a screen; requests run as workers of that screen."""

    def __init__(
        self,
        screen: Screen[None],
        controller: ConversationController,
        *,
        on_created: Callable[[UUID], None],
        on_changed: Callable[[], object],
    ) -> None:
        """`on_created` gets a new conversation's id; `on_changed` is called after a change."""
        self._screen = screen
        self._controller = controller
        self._client = controller.client
        self._on_created = on_created
        self._on_changed = on_changed

    def create(self) -> None:
        """Ask for a title and create a conversation."""

        def on_request(request: CreateConversation | None) -> None:
            if request:
                self._screen.run_worker(self._create(request), group="create", exit_on_error=False)

        self._screen.app.push_screen(NewConversationDialog(), on_request)

    async def _create(self, request: CreateConversation) -> None:
        self._on_created(await self._client.create_conversation(request))

    def rename(self) -> None:
        """Ask for another title of the open conversation."""
        conversation = self._editable_conversation()
        if conversation is None or conversation.state is None:
            return

        def on_title(title: str | None) -> None:
            if title:
                self._screen.run_worker(
                    self._rename(conversation.id, title), group="rename", exit_on_error=False
                )

        title = one_line(conversation.state.info.title)
        self._screen.app.push_screen(TextInputDialog("Rename the conversation", title), on_title)

    async def _rename(self, conversation_id: UUID, title: str) -> None:
        await self._client.update_conversation(conversation_id, UpdateConversation(title=title))
        self._on_changed()

    def edit_settings(self) -> None:
        """Show the settings of the open conversation."""

        def on_saved(changed: bool | None) -> None:
            if changed:
                self._on_changed()

        conversation = self._editable_conversation()
        if conversation and conversation.state:
            dialog = SettingsDialog(self._client, conversation.state.info)
            self._screen.app.push_screen(dialog, on_saved)

    def show_people(self) -> None:
        """Show the participants of the open conversation."""
        conversation = self._controller.loaded_session
        if conversation:
            is_admin = "admin" in self._controller.user.roles
            self._screen.app.push_screen(
                PeopleDialog(self._client, conversation, may_create_accounts=is_admin)
            )

    def _editable_conversation(self) -> ConversationSession | None:
        """Return the open conversation, or None with a notice if the user may not change it."""
        if self._controller.may_edit:
            return self._controller.session
        text = "Only the owner and the admins of a conversation can change it."
        self._screen.notify(text, markup=False, timeout=3)
        return None
