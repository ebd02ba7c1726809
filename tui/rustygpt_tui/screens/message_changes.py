"""What the user does to the selected message: edit, ask again, delete, restore, regenerate.

A part of `ThreadPane`, between the messages and the composer.
"""

from uuid import UUID

from textual import work
from textual.message import Message

from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.requests import EditMessage, PostMessage
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.compose_controller import ComposeController
from rustygpt_tui.conversation.editing import Editing, edit_refusal, is_answered_question
from rustygpt_tui.conversation.view_models import validation_sentence
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.confirm_dialogs import ConfirmDialog
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog
from rustygpt_tui.screens.messages_pane import MessagesPane
from rustygpt_tui.screens.model_picker import ModelDialog
from rustygpt_tui.screens.revisions import RevisionsDialog
from rustygpt_tui.screens.transcript_controller import TranscriptController
from rustygpt_tui.widgets.composer import Composer

_EDIT_CHOICES = (
    Choice("edit", "Edit the text; the answer stays as it is"),
    Choice("resend", "Ask again with a changed text, beside this question"),
)


class MessageChangesPane(MessagesPane):
    """A pane whose selected message can be changed. A refusal is shown above the composer."""

    class ThreadPosted(Message):
        """The first message of a thread was sent again, with a changed text: a new thread."""

        def __init__(self, root_id: UUID) -> None:
            super().__init__()
            self.root_id = root_id

    def __init__(
        self,
        client: Client,
        controller: ComposeController,
        messages: TranscriptController,
        *,
        id: str,
    ) -> None:
        super().__init__(controller, messages, id=id)
        self._client = client

    @property
    def composer(self) -> Composer:
        """The text field."""
        return self.query_one(Composer)

    def _selected_message(self) -> MessageView | None:
        """Return the selected message as the store has it; None for one that is being sent."""
        entry = self.transcript.selected_or_lowest()
        state = self._controller.state
        self._controller.show_failure("")
        return state.message(entry.id) if entry and state and not entry.pending else None

    # Edit, and ask again

    def edit(self) -> None:
        """Load the text of the selected message into the composer."""
        message = self._selected_message()
        state = self._controller.state
        if message is None or state is None:
            return
        if refusal := edit_refusal(state, message):
            self._controller.show_failure(refusal)
            return

        def on_chosen(choice: str | None) -> None:
            if choice:
                self._begin_edit(Editing(message, is_resent=choice == "resend"))

        if is_answered_question(state, message):
            self.app.push_screen(
                ChooseDialog("This question has an answer", _EDIT_CHOICES), on_chosen
            )
        else:
            on_chosen("edit")

    def _begin_edit(self, editing: Editing) -> None:
        self._controller.begin_edit(editing)
        self.composer.focus()

    def leave_edit(self, editing: Editing | None = None) -> bool:
        """Leave the message that is edited, and put the draft back; return False without one.

        The focus goes back to the messages. With `editing`, only if that is still what is edited.
        """
        is_left = self._controller.leave_edit(editing)
        if is_left and self.composer.has_focus:
            self.transcript.focus()
        return is_left

    @work(group="edit", exclusive=True, exit_on_error=False)
    async def save_edit(self, editing: Editing, text: str) -> None:
        """Save the text of the composer; what is refused stays there, with the reason."""
        self._controller.begin_saving(text)
        try:
            await self._save(editing, text)
        except ClientError as failure:
            self._controller.return_edit(editing, failure.sentence)
        except ValueError as error:
            self._controller.return_edit(editing, validation_sentence(error))
        else:
            self.leave_edit(editing)

    async def _save(self, editing: Editing, text: str) -> None:
        message = editing.message
        if not editing.is_resent:
            await self._client.edit_message(message.id, EditMessage(text))
            return
        request = PostMessage(text)
        if message.parent_id is None:
            posted = await self._client.post_root(message.conversation_id, request, key=editing.key)
            self.post_message(self.ThreadPosted(posted.root_id))
        else:
            posted = await self._client.reply(message.parent_id, request, key=editing.key)
            await self._messages.keep_own_in_sight(posted.message_id)

    # Delete, restore, regenerate, earlier texts

    def delete(self) -> None:
        """Ask, and delete the selected message."""
        message = self._selected_message()
        if message is None or message.deleted_at is not None:
            return

        def on_answer(is_confirmed: bool | None) -> None:
            if is_confirmed:
                self._delete(message.id)

        text = self._messages.text_of(message.id) or "an answer without a text so far"
        question = "Delete this message? Its replies stay; z restores it."
        self.app.push_screen(ConfirmDialog(question, text, "Delete"), on_answer)

    @work(group="change", exit_on_error=False)
    async def _delete(self, message_id: UUID) -> None:
        try:
            await self._client.delete_message(message_id)
        except ClientError as failure:
            self._controller.show_failure(failure.sentence)

    @work(group="change", exit_on_error=False)
    async def restore(self) -> None:
        """Restore the selected message if it is deleted."""
        message = self._selected_message()
        if message is None or message.deleted_at is None:
            self._controller.show_failure("The selected message is not deleted.")
            return
        try:
            await self._client.restore_message(message.id)
        except ClientError as failure:
            self._controller.show_failure(failure.sentence)

    def regenerate(self) -> None:
        """Generate another answer beside the selected one, and go to it."""
        if (answer := self._selected_answer()) is not None:
            self._regenerate(answer, None)

    def regenerate_with(self) -> None:
        """Ask for a model, and generate another answer with it beside the selected one."""
        if (answer := self._selected_answer()) is not None:
            self._choose_model(answer)

    def _selected_answer(self) -> MessageView | None:
        message = self._selected_message()
        if message is None or message.role != "assistant":
            self._controller.show_failure("Select an answer of the assistant to regenerate it.")
            return None
        return message

    @work(group="models", exclusive=True, exit_on_error=False)
    async def _choose_model(self, answer: MessageView) -> None:
        try:
            models = (await self._client.list_models()).models
        except ClientError as failure:
            self._controller.show_failure(failure.sentence)
            return

        def on_chosen(model: str | None) -> None:
            if model is not None:
                self._regenerate(answer, model or None)

        if self.app.screen is self.screen:
            name = one_line(answer.model or "")
            first = f"The same as before ({name})" if name else "The same as before"
            dialog = ModelDialog(
                "Answer again with which model?", models, first=first, current=answer.model
            )
            self.app.push_screen(dialog, on_chosen)

    @work(group="change", exit_on_error=False)
    async def _regenerate(self, answer: MessageView, model: str | None) -> None:
        try:
            posted = await self._client.regenerate_answer(answer.id, model=model)
            await self._messages.keep_own_in_sight(posted.message_id)
        except ClientError as failure:
            self._controller.show_failure(failure.sentence)

    @work(group="revisions", exclusive=True, exit_on_error=False)
    async def show_revisions(self) -> None:
        """Show the earlier texts of the selected message."""
        message = self._selected_message()
        state = self._controller.state
        if message is None or state is None:
            return
        try:
            listed = await self._client.list_revisions(message.id)
        except ClientError as failure:
            self._controller.show_failure(failure.sentence)
            return
        if not listed.revisions:
            self._controller.show_failure("This message has no earlier text.")
        elif self.app.screen is self.screen:
            more = listed.next_cursor is not None
            self.app.push_screen(RevisionsDialog(listed.revisions, state.names(), more=more))
