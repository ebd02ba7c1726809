"""What is being written in the talk: drafts, what it answers, sending, and trying again.

How the thread looks is the business of `talk`.
"""

from contextlib import suppress
from uuid import UUID

from textual import on, work
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.account_drafts import AccountDrafts
from rustygpt_tui.conversation.message_sender import MessageSender, PendingMessage
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.conversation.typing_notifier import TypingNotifier
from rustygpt_tui.errors import ClientError
from rustygpt_tui.screens.forms import sentence
from rustygpt_tui.screens.worker_errors import WorkerErrorMixin
from rustygpt_tui.store.state import State
from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.transcript.widget import Transcript


class ComposeController(Vertical, WorkerErrorMixin):
    """Keeps what is written, and sends it to where it belongs."""

    class ThreadStarted(Message):
        """A new thread was posted."""

        def __init__(self, root_id: UUID) -> None:
            super().__init__()
            self.root_id = root_id

    def __init__(self, client: Client, drafts: AccountDrafts, *, id: str) -> None:
        super().__init__(id=id)
        self._client = client
        self._drafts = drafts
        self._sender = MessageSender(client)
        self._conversation: ConversationSession | None = None
        self.root: UUID | None = None
        self._reply_to: UUID | None = None
        self._failed_message: PendingMessage | None = None
        self._failure = ""
        self._typing_notifier = TypingNotifier()

    @property
    def state(self) -> State | None:
        """What is known of the open conversation."""
        return self._conversation.state if self._conversation else None

    @property
    def transcript(self) -> Transcript:
        """The messages."""
        return self.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        """The text being written."""
        return self.query_one(Composer)

    def redraw_pending(self) -> None:
        """Show what is on its way."""
        raise NotImplementedError

    def redraw_chrome(self) -> None:
        """Show what stands around the messages."""
        raise NotImplementedError

    @on(Composer.Submitted)
    def _on_submitted(self, event: Composer.Submitted) -> None:
        if self._conversation is None:
            self.composer.set_text(event.text)
            return
        message, self._failed_message = self._failed_message, None
        if message is None or not self._is_retry(message, event.text):
            parent = self._reply_to or self._newest()
            explicit_reply = self._reply_to is not None
            message = PendingMessage(
                event.text, self._conversation.id, self.root, parent, explicit_reply=explicit_reply
            )
        self._failure, self._reply_to = "", None
        self._typing_notifier.on_sent()
        self._send(message)
        self.transcript.follow()
        self.redraw_pending()

    @work(group="send", exit_on_error=False)
    async def _send(self, message: PendingMessage) -> None:
        try:
            posted = await self._sender.send(message)
        except ClientError as failure:
            self._not_sent(message, failure.sentence)
        except ValueError as error:
            self._not_sent(message, sentence(error))
        else:
            self._drafts.discard_sent(message.draft_key, message.text)
            if self.state and self.state.message(posted.message_id):
                self._sender.confirm(posted.message_id)
            if message.root_id is None and self._draft_key == message.draft_key:
                self.post_message(self.ThreadStarted(posted.root_id))
        self.redraw_pending()

    def _is_retry(self, message: PendingMessage, text: str) -> bool:
        """Whether this is the failed attempt sent once more, unchanged."""
        same_target = message.explicit_reply == (self._reply_to is not None) and (
            not message.explicit_reply or message.parent_id == self._reply_to
        )
        return same_target and message.draft_key == self._draft_key and message.text == text

    def _not_sent(self, message: PendingMessage, words: str) -> None:
        """Give the text back, and say why."""
        if self._draft_key != message.draft_key:
            self._drafts.save(message.draft_key, message.text)
            self.app.notify(f"A message was not sent: {words}", severity="error", markup=False)
            return
        self._reply_to = message.parent_id if message.explicit_reply else self._reply_to
        later = self.composer.text
        self.composer.set_text(f"{message.text}\n\n{later}" if later.strip() else message.text)
        self._save_draft()
        self._failed_message = message
        self._show_failure(f"Not sent: {words} Enter tries again.")

    @on(TextArea.Changed, "#composer")
    def _on_typed(self) -> None:
        if self._failure:
            self._show_failure("")
        text, draft_key = self.composer.text, self._draft_key
        if self._conversation and self.root and draft_key and self._drafts.get(draft_key) != text:
            seconds = self._typing_notifier.on_typed(self.root, text)
            if seconds is not None:
                self._send_typing(self._conversation.id, self.root, seconds)
        self._save_draft()

    @work(group="turn", exit_on_error=False)
    async def _send_typing(self, conversation_id: UUID, root: UUID, seconds: int) -> None:
        with suppress(ClientError):  # nobody misses it
            await self._client.set_typing(conversation_id, root, seconds)

    @property
    def _draft_key(self) -> UUID | None:
        """Where what is written belongs: the thread, or the conversation for a new one."""
        return self.root or (self._conversation.id if self._conversation else None)

    def _save_draft(self) -> None:
        if self._draft_key and self.is_attached and not self.composer.read_only:
            self._drafts.save(self._draft_key, self.composer.text)

    def _restore_draft(self) -> None:
        """Hold what was written here before."""
        self.composer.set_text(self._drafts.get(self._draft_key) if self._draft_key else "")

    def _newest(self) -> UUID | None:
        state = self.state
        tree = state.trees.get(self.root) if state and self.root else None
        return tree.newest.id if tree and tree.newest else None

    def _show_failure(self, words: str) -> None:
        self._failure = words
        self.redraw_chrome()
