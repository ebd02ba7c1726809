"""Writing in a thread: the draft, the message replied to, sending, retrying, typing reports.

It drives the text field and the pane only through `ComposeView`; how the thread looks is decided
in the screens.
"""

from contextlib import suppress
from typing import Protocol
from uuid import UUID

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.message_sender import MessageSender, PendingMessage
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.typing_notifier import TypingNotifier
from rustygpt_tui.conversation.view_models import pending_messages, validation_sentence
from rustygpt_tui.errors import ClientError
from rustygpt_tui.store.state import State


class ComposeView(Protocol):
    """What the controller needs of the pane that it writes in."""

    @property
    def composed_text(self) -> str:
        """The text in the text field."""

    @property
    def accepts_text(self) -> bool:
        """False when the field is read-only or gone."""

    def set_composed_text(self, text: str) -> None:
        """Replace the text in the text field, without a report of typing."""

    def redraw_chrome(self) -> None:
        """Redraw the lines around the messages: the reply target or the failure changed."""

    def redraw_pending(self) -> None:
        """Redraw the unconfirmed messages: they changed."""

    def notify_error(self, text: str) -> None:
        """Show an error that belongs to another thread than the open one."""

    def announce_thread(self, root_id: UUID) -> None:
        """Report that the new thread was posted while it is still open for writing."""


class ComposeController:
    """The text being written in the open thread, or in a thread not started yet."""

    def __init__(self, client: Client, drafts: AccountDrafts, view: ComposeView) -> None:
        self._client = client
        self._drafts = drafts
        self._view = view
        self._sender = MessageSender(client)
        self._typing_notifier = TypingNotifier()
        self._failed_message: PendingMessage | None = None
        self.conversation: ConversationSession | None = None
        self.root: UUID | None = None
        """The open thread; None for a new one."""
        self.reply_to: UUID | None = None
        """The message that the user selected to reply to."""
        self.failure = ""
        """Why the last message was not sent, in one sentence."""

    @property
    def state(self) -> State | None:
        """The state of the open conversation, once it is loaded."""
        return self.conversation.state if self.conversation else None

    def open(self, conversation: ConversationSession | None, root: UUID | None) -> None:
        """Save the draft of the thread before, and write in this one from now on."""
        self.save_draft()
        self.conversation = conversation
        self.root = root
        self.reply_to = None
        self.failure = ""
        self._failed_message = None

    def restore_draft(self) -> None:
        """Put the draft of the open thread into the text field."""
        key = self._draft_key
        self._view.set_composed_text(self._drafts.get(key) if key else "")

    def save_draft(self) -> None:
        """Save the text field as the draft of the open thread."""
        if self._draft_key and self._view.accepts_text:
            self._drafts.save(self._draft_key, self._view.composed_text)

    def pending(self, state: State) -> list[MessageView]:
        """Return the unconfirmed messages of the open thread."""
        return pending_messages(state, self._sender.pending, state.info.id, self.root)

    def confirm(self, message_id: UUID) -> None:
        """Drop a pending message that the store has received."""
        self._sender.confirm(message_id)

    def start_reply(self, message_id: UUID) -> None:
        """Send the next text as a reply to this message; the text so far is kept."""
        self.reply_to = message_id
        self._view.redraw_chrome()

    def cancel_reply(self) -> bool:
        """Reply to no selected message any more; return False when none was selected."""
        if self.reply_to is None:
            return False
        self.reply_to = None
        self._view.redraw_chrome()
        return True

    def submit(self, text: str) -> PendingMessage | None:
        """Return the message to send for a submitted text.

        Returns None, and puts the text back, when no conversation is open. An unchanged text that
        failed before is the same message, so that it is posted at most once.
        """
        if self.conversation is None:
            self._view.set_composed_text(text)
            return None
        message = self._failed_message
        self._failed_message = None
        if message is None or not self._is_retry(message, text):
            message = PendingMessage(
                text,
                self.conversation.id,
                self.root,
                parent_id=self.reply_to or self._newest(),
                explicit_reply=self.reply_to is not None,
            )
        self.failure = ""
        self.reply_to = None
        self._typing_notifier.on_sent()
        return message

    async def send(self, message: PendingMessage) -> None:
        """Send a message; when that fails, its text and the reason are shown for a retry."""
        try:
            posted = await self._sender.send(message)
        except ClientError as failure:
            self._return_text(message, failure.sentence)
        except ValueError as error:
            self._return_text(message, validation_sentence(error))
        else:
            self._drafts.discard_sent(message.draft_key, message.text)
            if self.state and self.state.message(posted.message_id):
                self._sender.confirm(posted.message_id)
            if message.root_id is None and self._draft_key == message.draft_key:
                self._view.announce_thread(posted.root_id)
        self._view.redraw_pending()

    def on_typed(self) -> int | None:
        """Save the draft after an edit; return the seconds to report as typing, None for none."""
        if self.failure:
            self.show_failure("")
        text = self._view.composed_text
        key = self._draft_key
        seconds = None
        if self.conversation and self.root and key and self._drafts.get(key) != text:
            seconds = self._typing_notifier.on_typed(self.root, text)
        self.save_draft()
        return seconds

    async def send_typing(self, conversation_id: UUID, root: UUID, seconds: int) -> None:
        """Report that the user types in a thread; 0 seconds ends it. A failure is ignored."""
        with suppress(ClientError):
            await self._client.set_typing(conversation_id, root, seconds)

    def show_failure(self, text: str) -> None:
        """Show one sentence instead of the reply target; an empty one removes it."""
        self.failure = text
        self._view.redraw_chrome()

    @property
    def _draft_key(self) -> UUID | None:
        """The target of the draft: the thread, or the conversation for a new thread."""
        return self.root or (self.conversation.id if self.conversation else None)

    def _is_retry(self, message: PendingMessage, text: str) -> bool:
        """Return whether a submitted text is the failed message, unchanged."""
        if message.explicit_reply != (self.reply_to is not None):
            return False
        if message.explicit_reply and message.parent_id != self.reply_to:
            return False
        return message.draft_key == self._draft_key and message.text == text

    def _return_text(self, message: PendingMessage, reason: str) -> None:
        """Put the text of a failed message back: into the field, or into its thread's draft."""
        if self._draft_key != message.draft_key:
            self._drafts.save(message.draft_key, message.text)
            self._view.notify_error(f"A message was not sent: {reason}")
            return
        if message.explicit_reply:
            self.reply_to = message.parent_id
        typed_since = self._view.composed_text
        restored = f"{message.text}\n\n{typed_since}" if typed_since.strip() else message.text
        self._view.set_composed_text(restored)
        self.save_draft()
        self._failed_message = message
        self.show_failure(f"Not sent: {reason} Enter tries again.")

    def _newest(self) -> UUID | None:
        state = self.state
        tree = state.trees.get(self.root) if state and self.root else None
        return tree.newest.id if tree and tree.newest else None
