"""What is being written in the talk: drafts, what it answers, sending, and trying again.

How the thread looks is the business of `talk`.
"""

from uuid import UUID

from textual import on, work
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import TextArea

from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import Failure
from rustygpt_tui.screens.desk import Desk
from rustygpt_tui.screens.forms import sentence
from rustygpt_tui.screens.outbox import Attempt, Outbox
from rustygpt_tui.screens.reporting import Reporting
from rustygpt_tui.screens.room import Room
from rustygpt_tui.store.state import State
from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.transcript.widget import Transcript

DRAFT_SECONDS = 0.3


class Writing(Vertical, Reporting):
    """Keeps what is written, and sends it to where it belongs."""

    class ThreadStarted(Message):
        """A new thread was posted."""

        def __init__(self, root_id: UUID) -> None:
            super().__init__()
            self.root_id = root_id

    def __init__(self, client: Client, desk: Desk, *, id: str) -> None:
        super().__init__(id=id)
        self._client = client
        self._desk = desk
        self._outbox = Outbox(client)
        self._room: Room | None = None
        self.root: UUID | None = None
        self._reply_to: UUID | None = None
        self._failed: Attempt | None = None
        self._failure = ""

    @property
    def state(self) -> State | None:
        """What is known of the open conversation."""
        return self._room.state if self._room else None

    @property
    def transcript(self) -> Transcript:
        """The messages."""
        return self.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        """The text being written."""
        return self.query_one(Composer)

    def draw(self) -> None:
        """Show the thread as it is now, with what is on its way."""
        raise NotImplementedError

    def draw_around(self) -> None:
        """Show what stands around the messages."""
        raise NotImplementedError

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        if self._room is None:
            self.composer.put(event.text)
            return
        attempt, self._failed = self._failed, None
        target = self._reply_to or self.root
        if attempt is None or attempt.text != event.text or self._target(attempt) != target:
            newest = None if self._reply_to or not self.root else self._newest()
            attempt = Attempt(event.text, self._room.id, self.root, self._reply_to or newest)
            attempt.fixed_parent = self._reply_to is not None
        self._failure, self._reply_to = "", None
        self._send(attempt, target or self._room.id)
        self.transcript.follow()
        self.draw()

    @work(group="send", exit_on_error=False)
    async def _send(self, attempt: Attempt, place: UUID) -> None:
        try:
            posted = await self._outbox.send(attempt)
        except Failure as failure:
            self._not_sent(attempt, place, failure.sentence)
        except ValueError as error:
            self._not_sent(attempt, place, sentence(error))
        else:
            self._desk.forget_draft(place, attempt.text)
            if self.state and self.state.message(posted.message_id):
                self._outbox.seen(posted.message_id)
            if attempt.root_id is None and self._room and self._room.id == attempt.conversation_id:
                self.post_message(self.ThreadStarted(posted.root_id))
        self.draw()

    def _not_sent(self, attempt: Attempt, place: UUID, words: str) -> None:
        """Give the text back, and say why."""
        here = self._room and self._room.id == attempt.conversation_id and self._here() == place
        if not here and attempt.root_id != self.root:
            self._desk.keep_draft(place, attempt.text)
            self.app.notify(f"A message was not sent: {words}", severity="error", markup=False)
            return
        if attempt.fixed_parent and place not in {self.root, self._room and self._room.id}:
            self._reply_to = place
        later = self.composer.text
        self.composer.put(f"{attempt.text}\n\n{later}" if later.strip() else attempt.text)
        self._keep_draft()
        self._failed = attempt
        self._tell(f"Not sent: {words} Enter tries again.")

    @on(TextArea.Changed, "#composer")
    def _typed(self) -> None:
        if self._failure:
            self._tell("")
        if self.is_attached:
            self.set_timer(DRAFT_SECONDS, self._keep_draft)

    def _target(self, attempt: Attempt) -> UUID | None:
        """Where a failed attempt was meant to go, as `_sent` counts it."""
        return attempt.parent_id if self._reply_to else attempt.root_id

    def _here(self) -> UUID | None:
        return self._reply_to or self.root or (self._room.id if self._room else None)

    def _keep_draft(self) -> None:
        place = self._here()
        if place and self.is_attached and not self.composer.read_only:
            self._desk.keep_draft(place, self.composer.text)

    def _take_draft(self, instead: str = "") -> None:
        """Hold what was written here before, or else what is being written."""
        place = self._here()
        kept = self._desk.draft(place) if place else ""
        self.composer.put(kept or instead)

    def _newest(self) -> UUID | None:
        state = self.state
        tree = state.trees.get(self.root) if state and self.root else None
        return max(tree, key=lambda message: message.seq).id if tree else None

    def _tell(self, words: str) -> None:
        self._failure = words
        self.draw_around()
