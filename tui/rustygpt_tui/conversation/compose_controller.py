"""Writing in a thread: the draft, the message replied to, sending, retrying, typing reports.

What the next message replies to (`target`) is state that the view always shows. While nothing is
written it follows what is on screen: the last message of the branch whose end is in view. From the
first character on it is fixed, and only the user changes it. It drives the text field and the pane
only through `ComposeView`; how the thread looks is decided in the screens.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.compose_view import ComposeView
from rustygpt_tui.conversation.editing import Editing
from rustygpt_tui.conversation.message_extras import MessageExtras
from rustygpt_tui.conversation.message_sender import (
    HeldBack,
    MessageSender,
    PendingMessage,
    Target,
)
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.typing_notifier import TypingNotifier
from rustygpt_tui.conversation.unsent_messages import UnsentMessages, recognise
from rustygpt_tui.conversation.view_models import pending_messages, validation_sentence
from rustygpt_tui.errors import ClientError, TimedOut, Unreachable
from rustygpt_tui.store.drafts import Draft, UnsentPost
from rustygpt_tui.store.state import State


class ComposeController:
    """The text being written in the open thread, or in a thread not started yet."""

    def __init__(self, client: Client, drafts: AccountDrafts, view: ComposeView) -> None:
        self._client = client
        self._drafts = drafts
        self._view = view
        self._sender = MessageSender(client)
        self._typing_notifier = TypingNotifier()
        self._unsent = UnsentMessages(drafts)
        self._in_view: Target | None = None
        """The target that the view suggests."""
        self.conversation: ConversationSession | None = None
        self.root: UUID | None = None
        """The open thread; None for a new one."""
        self.target: Target | None = None
        """What the next message replies to; None while the thread is not loaded."""
        self.failure = ""
        """Why the last message was not sent, in one sentence."""
        self.editing: Editing | None = None
        """The message whose text is in the text field, while the draft is kept."""
        self.extras = MessageExtras()
        """What the next message has besides its text."""

    @property
    def state(self) -> State | None:
        """The state of the open conversation, once it is loaded."""
        return self.conversation.state if self.conversation else None

    @property
    def has_newer(self) -> bool:
        """True when the view ends with another message than the one that is replied to."""
        in_view = self._in_view
        if in_view is None or self.target is None:
            return False
        return _reply_id(in_view) != _reply_id(self.target)

    def open(self, conversation: ConversationSession | None, root: UUID | None) -> None:
        """Save the draft of the thread before, and write in this one from now on."""
        self.save_draft()
        self.editing = None
        self.conversation = conversation
        self.root = root
        self.target = Target() if root is None else None
        self._in_view = None
        self.failure = ""
        self.extras = MessageExtras()

    def continue_in(self, root: UUID) -> None:
        """Write in the thread that was just started; the text typed since is kept."""
        for message in self._sender.pending:
            if message.place == self._place and message.target.resolved() != Target():
                message.root_id = root
        self.root = root
        self.target = self.target.resolved() if self.target else None

    def restore_draft(self) -> None:
        """Put the draft of the open thread into the text field, or a post that was not sent."""
        if self._place is None:
            self._view.set_composed_text("")
            return
        draft = self._drafts.get(self._place)
        self._view.set_composed_text(draft.text)
        self.extras = MessageExtras(draft.model, draft.attachments)
        if draft.is_written and draft.message_id:
            self.target = Target(draft.message_id, is_chosen=draft.is_chosen)
        in_flight = {message.key for message in self._sender.pending}
        for held in self._unsent.restore(self._place, self._message_of, in_flight):
            self._sender.add(held)
        if failed := self._unsent.failed(self._place):
            self._show_failed(failed, "Not confirmed before. Enter sends it again, once at most.")

    def save_draft(self) -> None:
        """Save the text field as the draft of the open thread, with its target."""
        if self._place and self._view.accepts_text and self.editing is None:
            target = (self.target or Target()).resolved()
            extras = self.extras
            draft = Draft(
                self._view.composed_text, model=extras.model, attachments=extras.attachments
            )
            message_id = target.message_id if draft.is_written else None
            is_chosen = target.is_chosen and message_id is not None
            self._drafts.save(
                self._place, draft._replace(message_id=message_id, is_chosen=is_chosen)
            )

    def change_extras(self, extras: MessageExtras) -> None:
        """Send these extras with the next message; they are kept with the draft."""
        self.extras = extras
        self.save_draft()
        self._view.redraw_chrome()

    def pending(self, state: State) -> list[MessageView]:
        """Return the unconfirmed messages of the open thread."""
        return pending_messages(state, self._sender.pending, state.info.id, self.root)

    @property
    def confirmed(self) -> Mapping[UUID, UUID]:
        """The ids that the server assigned to the last messages, by their pending ids."""
        return self._sender.confirmed

    def confirm(self, message_id: UUID) -> None:
        """Drop a pending message that the store has received."""
        self._sender.confirm(message_id)

    def words_of(self, message_id: UUID) -> tuple[str, str]:
        """Return author and text of a message that the store has not received."""
        for message in self._sender.pending:
            if message.posted and message.posted.message_id == message_id and self.state:
                return self.state.name_of(self.state.me), message.text
            if message.posted and message.posted.answer_id == message_id:
                return "the assistant", "…"
        return "an earlier message", ""

    def recognise_failed(self) -> None:
        """Take the failed message as sent if the store has received it: its response was lost."""
        failed = self._unsent.failed(self._place)
        posted = recognise(failed, self.state) if failed and self.state else None
        if failed is None or posted is None or posted.message_id in self.confirmed.values():
            return
        failed.posted = posted
        self._unsent.forget(failed)
        text = self._view.composed_text
        if text.startswith(failed.text):
            self._view.set_composed_text(text[len(failed.text) :].lstrip("\n"))
            self.target = Target(after=failed).resolved()
            self.save_draft()
        self.show_failure("")
        self._release_held()

    # A message that is edited

    def begin_edit(self, editing: Editing) -> None:
        """Put the text of a message into the text field; the draft is kept."""
        self.save_draft()
        self.editing = editing
        self.failure = ""
        self._view.set_composed_text(editing.message.content)
        self._view.redraw_chrome()

    def begin_saving(self, text: str) -> None:
        """Keep a submitted text in the text field until the server has it."""
        if self.editing is not None:
            self.editing.is_saving = True
        self.failure = ""
        self._view.set_composed_text(text)
        self._view.redraw_chrome()

    def return_edit(self, editing: Editing, failure: str) -> None:
        """Let the user change a text that the server did not accept."""
        editing.is_saving = False
        if self.editing is editing:
            self.show_failure(failure)
        else:
            self._view.notify_error(f"The text was not saved: {failure}")

    def leave_edit(self, editing: Editing | None = None) -> bool:
        """Put the draft back into the text field; return False when no message is edited.

        With `editing`, only if that is still what is edited.
        """
        if self.editing is None or (editing is not None and self.editing is not editing):
            return False
        self.editing = None
        self.failure = ""
        self._view.set_composed_text(self._drafts.get(self._place).text if self._place else "")
        if failed := self._unsent.failed(self._place):
            self._show_failed(failed, "Not sent before. Enter sends it again, once at most.")
        self._view.redraw_chrome()
        return True

    # The target

    def show_target_in_view(self, message_id: UUID | None) -> None:
        """Set which message the view ends with; it becomes the target while nothing is written."""
        if self.root is None or message_id is None:
            return
        in_view = self._target_of(message_id)
        if in_view == self._in_view and self.target is not None:
            return
        self._in_view = in_view
        if self._is_free or self.target is None:
            self.target = in_view
        self._view.redraw_chrome()

    @property
    def _is_free(self) -> bool:
        """True while nothing is written and no target is selected: then it follows the view."""
        is_written = self._view.composed_text.strip() or self.extras.attachments
        return not is_written and not (self.target and self.target.is_chosen)

    def choose_target(self, message_id: UUID) -> None:
        """Send the next text as a reply to this message; the text so far is kept."""
        self.target = self._target_of(message_id, is_chosen=True)
        self.save_draft()
        self._view.redraw_chrome()

    def choose_newer(self) -> bool:
        """Reply to the message that the view ends with; return False when that is the target."""
        if not self.has_newer:
            return False
        self.target = self._in_view
        self.save_draft()
        self._view.redraw_chrome()
        return True

    def cancel_choice(self) -> bool:
        """Reply to no selected message any more; return False when none was selected."""
        if self.target is None or not self.target.is_chosen:
            return False
        self.target = self._in_view or Target(self.target.message_id, self.target.after)
        self.save_draft()
        self._view.redraw_chrome()
        return True

    def _target_of(self, message_id: UUID, *, is_chosen: bool = False) -> Target:
        pending = next((m for m in self._sender.pending if m.id == message_id), None)
        if pending is None:
            return Target(message_id, is_chosen=is_chosen)
        return Target(after=pending, is_chosen=is_chosen).resolved()

    # Sending

    def submit(self, text: str) -> list[PendingMessage]:
        """Return the messages to send for a submitted text; usually there is one.

        Returns none, and puts the text back, when there is nothing to reply to yet. A text that
        failed before is the same message, so that it is posted at most once; what was written below
        it is another one.
        """
        if self.conversation is None or self.target is None or self._is_too_long(text):
            self._view.set_composed_text(text)
            if self.conversation and self.target is None:
                self.show_failure("The thread is still loading; send the message again then.")
            return []
        model = self.extras.model
        text = self.extras.content(text)
        messages: list[PendingMessage] = []
        failed = self._unsent.failed(self._place)
        if failed is not None and self._is_retry(failed, text):
            self._unsent.retry(failed)
            messages.append(failed)
            text, model = text[len(failed.text) :].strip("\n"), None
        if text or not messages:
            target = Target(after=failed) if failed and messages else self.target.resolved()
            new = PendingMessage(text, self.conversation.id, self.root, target, model=model)
            new.after_seq = self._last_seq()
            if failed is not None and not messages:
                self._unsent.replace(failed, new)
            messages.append(new)
        for message in messages:
            self._sender.add(message)
            self._unsent.keep(message)
        self.failure = ""
        self.extras = MessageExtras()
        self.target = Target(after=messages[-1])
        self._drafts.save(messages[-1].place, Draft())
        self._typing_notifier.on_sent()
        return messages

    def _is_too_long(self, text: str) -> bool:
        """Return whether a text is too long with what is attached, and say so."""
        missing = -self.extras.characters_left(text)
        if missing <= 0 or not self.extras.attachments:
            return False
        self.show_failure(f"The message is {missing:,} characters too long with what is attached.")
        return True

    async def send(self, message: PendingMessage) -> None:
        """Send a message; when that fails, its text and the reason are shown for a retry."""
        try:
            posted = await self._sender.send(message)
        except HeldBack:
            self._unsent.hold(message)
        except ClientError as failure:
            self._return_text(message, _failure_text(failure))
        except ValueError as error:
            self._return_text(message, f"Not sent: {validation_sentence(error)}")
        else:
            self._unsent.forget(message)
            if self.state and self.state.message(posted.message_id):
                self._sender.confirm(posted.message_id)
            if self.target and self.target.after is message:
                self.target = self.target.resolved()
            if message.root_id is None and self._place == message.place:
                self._view.announce_thread(posted.root_id)
            self._release_held()
        self._view.redraw_pending()

    def _release_held(self) -> None:
        """Send the messages that waited for one that is sent now."""
        for message in self._unsent.release():
            self._view.start_sending(message)

    def _give_up_failed(self) -> None:
        """Forget the failed message, whose text was deleted; return the text of the next one."""
        failed = self._unsent.failed(self._place)
        waiting = self._unsent.give_up(failed) if failed else None
        if waiting is not None:
            self._sender.remove(waiting)
            self._return_text(waiting, "Not sent, as the one before it was not. Enter sends it.")

    def on_typed(self) -> int | None:
        """Save the draft after an edit; return the seconds to report as typing, None for none."""
        if self.failure:
            self.show_failure("")
        if self.editing is not None:
            return None
        text = self._view.composed_text
        place = self._place
        seconds = None
        if self.conversation and self.root and place and self._drafts.get(place).text != text:
            seconds = self._typing_notifier.on_typed(self.root, text)
        if not text.strip():
            self._give_up_failed()
        if self._in_view and self._is_free:
            self.target = self._in_view
        self.save_draft()
        self._view.redraw_chrome()
        return seconds

    async def send_typing(self, conversation_id: UUID, root: UUID, seconds: int) -> None:
        """Report that the user types in a thread; 0 seconds ends it. A failure is ignored."""
        with suppress(ClientError):
            await self._client.set_typing(conversation_id, root, seconds)

    def show_failure(self, text: str) -> None:
        """Show one sentence instead of the target; an empty one removes it."""
        self.failure = text
        self._view.redraw_chrome()

    @property
    def _place(self) -> UUID | None:
        """The place of the draft: the thread, or the conversation for a new thread."""
        return self.root or (self.conversation.id if self.conversation else None)

    def _last_seq(self) -> int:
        """Return the highest `seq` that is known in the open thread."""
        tree = self.state.trees.get(self.root) if self.state and self.root else None
        return tree.newest.seq if tree and tree.newest else 0

    def _is_retry(self, message: PendingMessage, text: str) -> bool:
        """Return whether a submitted text is the failed message, unchanged, or begins with it."""
        is_same = self.target is not None and _reply_id(message.target) == _reply_id(self.target)
        is_same = is_same and message.model == self.extras.model
        return is_same and (text == message.text or text.startswith(f"{message.text}\n\n"))

    def _message_of(self, post: UnsentPost) -> PendingMessage:
        """Return the message of a post that was kept when the program ended."""
        conversation_id = self.conversation.id if self.conversation else post.place
        target = Target(post.message_id, is_chosen=post.is_chosen)
        return PendingMessage(
            post.text, conversation_id, self.root, target, key=post.key, model=post.model
        )

    def _return_text(self, message: PendingMessage, failure: str) -> None:
        """Put the text of a failed message back into the field, or keep it for its thread."""
        self._unsent.fail(message)
        if self._place != message.place or self.editing is not None:
            reason = failure.removesuffix(" Enter tries again.")
            where = "Another message" if self._place == message.place else "In another thread"
            self._view.notify_error(f"{where}: {reason} The text is kept there.")
            return
        self._show_failed(message, failure)

    def _show_failed(self, message: PendingMessage, failure: str) -> None:
        """Show a failed message for another attempt, above what was written since."""
        self.target = message.target.resolved()
        if self.target.after is not None:
            self.target = self._in_view
        text = self._view.composed_text
        if not text.startswith(message.text):
            below = f"\n\n{text}" if text.strip() else ""
            self._view.set_composed_text(f"{message.text}{below}")
        if message.model:
            self.extras = replace(self.extras, model=message.model)
        self.save_draft()
        self.show_failure(failure)


def _failure_text(failure: ClientError) -> str:
    """Return why a message was not sent; without a response, the server may have it."""
    is_open = isinstance(failure, Unreachable | TimedOut)
    return f"{'Not confirmed' if is_open else 'Not sent'}: {failure.sentence} Enter tries again."


def _reply_id(target: Target) -> UUID | None:
    """Return what identifies a target: its message, or the pending message it follows."""
    target = target.resolved()
    return target.after.id if target.after else target.message_id
