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
from rustygpt_tui.errors import Failure
from rustygpt_tui.screens.desk import Desk
from rustygpt_tui.screens.forms import sentence
from rustygpt_tui.screens.outbox import Attempt, Outbox
from rustygpt_tui.screens.present import Turn
from rustygpt_tui.screens.reporting import Reporting
from rustygpt_tui.screens.room import Room
from rustygpt_tui.store.state import State
from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.transcript.widget import Transcript


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
        self._turn = Turn()

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

    def draw_waiting(self) -> None:
        """Show what is on its way."""
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
        if attempt is None or not self._is_again(attempt, event.text):
            parent = self._reply_to or self._newest()
            chosen = self._reply_to is not None
            attempt = Attempt(event.text, self._room.id, self.root, parent, chosen=chosen)
        self._failure, self._reply_to = "", None
        self._turn.sent()
        self._send(attempt)
        self.transcript.follow()
        self.draw_waiting()

    @work(group="send", exit_on_error=False)
    async def _send(self, attempt: Attempt) -> None:
        try:
            posted = await self._outbox.send(attempt)
        except Failure as failure:
            self._not_sent(attempt, failure.sentence)
        except ValueError as error:
            self._not_sent(attempt, sentence(error))
        else:
            self._desk.forget_draft(attempt.place, attempt.text)
            if self.state and self.state.message(posted.message_id):
                self._outbox.seen(posted.message_id)
            if attempt.root_id is None and self._place == attempt.place:
                self.post_message(self.ThreadStarted(posted.root_id))
        self.draw_waiting()

    def _is_again(self, attempt: Attempt, text: str) -> bool:
        """Whether this is the failed attempt sent once more, unchanged."""
        same_target = attempt.chosen == (self._reply_to is not None) and (
            not attempt.chosen or attempt.parent_id == self._reply_to
        )
        return same_target and attempt.place == self._place and attempt.text == text

    def _not_sent(self, attempt: Attempt, words: str) -> None:
        """Give the text back, and say why."""
        if self._place != attempt.place:
            self._desk.keep_draft(attempt.place, attempt.text)
            self.app.notify(f"A message was not sent: {words}", severity="error", markup=False)
            return
        self._reply_to = attempt.parent_id if attempt.chosen else self._reply_to
        later = self.composer.text
        self.composer.put(f"{attempt.text}\n\n{later}" if later.strip() else attempt.text)
        self._keep_draft()
        self._failed = attempt
        self._tell(f"Not sent: {words} Enter tries again.")

    @on(TextArea.Changed, "#composer")
    def _typed(self) -> None:
        if self._failure:
            self._tell("")
        text, place = self.composer.text, self._place
        if self._room and self.root and place and self._desk.draft(place) != text:
            seconds = self._turn.typed(self.root, text)
            if seconds is not None:
                self._tell_turn(self._room.id, self.root, seconds)
        self._keep_draft()

    @work(group="turn", exit_on_error=False)
    async def _tell_turn(self, room: UUID, root: UUID, seconds: int) -> None:
        with suppress(Failure):  # nobody misses it
            await self._client.type_in_thread(room, root, seconds)

    @property
    def _place(self) -> UUID | None:
        """Where what is written belongs: the thread, or the conversation for a new one."""
        return self.root or (self._room.id if self._room else None)

    def _keep_draft(self) -> None:
        if self._place and self.is_attached and not self.composer.read_only:
            self._desk.keep_draft(self._place, self.composer.text)

    def _take_draft(self) -> None:
        """Hold what was written here before."""
        self.composer.put(self._desk.draft(self._place) if self._place else "")

    def _newest(self) -> UUID | None:
        state = self.state
        tree = state.trees.get(self.root) if state and self.root else None
        return tree.newest.id if tree and tree.newest else None

    def _tell(self, words: str) -> None:
        self._failure = words
        self.draw_around()
