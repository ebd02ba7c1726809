"""Opens the dialogs that create or change a conversation, and sends what was entered."""

from collections.abc import Callable, Coroutine, Sequence
from typing import cast
from uuid import UUID

from textual.screen import Screen

from rustygpt_shared.models.assistant import ModelInfo
from rustygpt_shared.requests import CreateConversation, UpdateConversation
from rustygpt_tui.conversation.conversation_controller import ConversationController
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.view_models import management_choices
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.confirm_dialogs import ConfirmDialog, DeleteDialog
from rustygpt_tui.screens.dialogs import (
    Choice,
    ChooseDialog,
    NewConversationDialog,
    TextInputDialog,
)
from rustygpt_tui.screens.people import PeopleDialog
from rustygpt_tui.screens.sequential_input import SequentialInputApp
from rustygpt_tui.screens.settings import SettingsDialog
from rustygpt_tui.store.state import State


class ConversationDialogs:
    """The dialogs over a screen; requests run as workers of that screen."""

    def __init__(
        self,
        screen: Screen[None],
        controller: ConversationController,
        *,
        on_created: Callable[[UUID], None],
        on_chosen: Callable[[UUID], None],
        on_changed: Callable[[], object],
    ) -> None:
        """`on_created` gets a new conversation's id, `on_chosen` that of one to open.

        `on_changed` is called after a change.
        """
        self._screen = screen
        self._controller = controller
        self._client = controller.client
        self._on_created = on_created
        self._on_chosen = on_chosen
        self._on_changed = on_changed

    def create(self) -> None:
        """Ask for a title and create a conversation."""

        def on_request(request: CreateConversation | None) -> None:
            if request:
                self._screen.run_worker(self._create(request), group="create", exit_on_error=False)

        self._screen.app.push_screen(NewConversationDialog(), on_request)

    async def _create(self, request: CreateConversation) -> None:
        """Create a conversation; what is typed meanwhile is its first message."""
        with cast("SequentialInputApp[int]", self._screen.app).holding_keys():
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
        """Show the present settings of the open conversation."""
        conversation = self._editable_conversation()
        if conversation and conversation.state:
            self._screen.run_worker(
                self._edit_settings(conversation.id), group="settings", exit_on_error=False
            )

    async def _edit_settings(self, conversation_id: UUID) -> None:
        def on_saved(changed: bool | None) -> None:
            if changed:
                self._on_changed()

        conversation = await self._client.show_conversation(conversation_id)
        models: Sequence[ModelInfo] | str
        try:
            models = (await self._client.list_models()).models
        except ClientError as failure:
            models = failure.sentence
        if self._screen.is_current:
            dialog = SettingsDialog(self._client, conversation, models)
            self._screen.app.push_screen(dialog, on_saved)

    def show_people(self) -> None:
        """Show the participants of the open conversation."""
        conversation = self._controller.loaded_session
        if conversation:
            is_admin = "admin" in self._controller.user.roles
            self._screen.app.push_screen(
                PeopleDialog(self._client, conversation, may_create_accounts=is_admin)
            )

    def redraw_people(self) -> None:
        """Draw the participants again if their dialog is open."""
        for screen in self._screen.app.screen_stack:
            if isinstance(screen, PeopleDialog):
                screen.show_participants()

    def manage(self) -> None:
        """Offer what can be done with the open conversation as a whole, and the archived ones."""
        session = self._controller.loaded_session
        state = session.state if session else None
        heading = f"What to do with {one_line(state.info.title)}?" if state else "Conversations"

        def on_action(action: str | None) -> None:
            if action == "archived":
                self._run(self._show_archived())
            elif action and state:
                self._begin(action, state)

        choices = [Choice(id_, label) for id_, label in management_choices(state)]
        self._screen.app.push_screen(ChooseDialog(heading, choices), on_action)

    def _begin(self, action: str, state: State) -> None:
        """Ask once more where something is lost, and do it."""
        id_, title = state.info.id, state.info.title

        def on_answer(is_confirmed: bool | None) -> None:
            if is_confirmed and action == "leave":
                self._run(self._client.remove_participant(id_, state.me))
            elif is_confirmed:
                self._run(self._client.delete_conversation(id_))

        if action == "leave":
            dialog = ConfirmDialog("Leave this conversation?", title, "Leave")
            self._screen.app.push_screen(dialog, on_answer)
        elif action == "delete":
            self._screen.app.push_screen(DeleteDialog(title), on_answer)
        else:
            self._run(self._set_archived(id_, archived=action == "archive"))

    async def _set_archived(self, conversation_id: UUID, *, archived: bool) -> None:
        await self._client.update_conversation(
            conversation_id, UpdateConversation(archived=archived)
        )
        self._on_changed()

    async def _show_archived(self) -> None:
        def on_id(id_: str | None) -> None:
            if id_:
                self._on_chosen(UUID(id_))

        listed = (await self._client.list_conversations(archived=True, limit=200)).conversations
        if not listed:
            self._screen.notify("No conversation is archived.", markup=False, timeout=3)
        elif self._screen.is_current:
            choices = [Choice(str(c.id), one_line(c.title)) for c in listed]
            self._screen.app.push_screen(ChooseDialog("Archived conversations", choices), on_id)

    def _run(self, coroutine: Coroutine[None, None, None]) -> None:
        self._screen.run_worker(coroutine, group="manage", exit_on_error=False)

    def _editable_conversation(self) -> ConversationSession | None:
        """Return the open conversation, or None with a notice if the user may not change it."""
        if self._controller.may_edit:
            return self._controller.session
        text = "Only the owner and the admins of a conversation can change it."
        self._screen.notify(text, markup=False, timeout=3)
        return None
