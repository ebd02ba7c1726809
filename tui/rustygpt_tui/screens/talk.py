"""The right side: a thread's messages, and the composer under them."""

from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Static, TextArea

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import Failure
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.screens.desk import Desk
from rustygpt_tui.screens.forms import sentence
from rustygpt_tui.screens.outbox import Attempt, Outbox
from rustygpt_tui.screens.reporting import Reporting
from rustygpt_tui.screens.room import Room
from rustygpt_tui.screens.shown import first_unread, header, pending, shown_entries, streaming
from rustygpt_tui.store.state import Changes
from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.transcript.widget import Transcript

DRAFT_SECONDS = 0.3


class Talk(Vertical, Reporting):
    """Shows one thread of a room, or the start of a new one; sends what is written."""

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
        self._first_unread: UUID | None = None
        self._known: frozenset[UUID] = frozenset()
        self._marked: UUID | None = None
        self._failed: Attempt | None = None
        self._failure = ""

    def compose(self) -> ComposeResult:
        """Header, messages, what is being answered, and the text being written."""
        yield Static("", id="talk-header", markup=False)
        yield Transcript(self._text_of, id="transcript")
        yield Static("", id="talk-bar", markup=False)
        yield Composer(id="composer")

    @property
    def transcript(self) -> Transcript:
        """The messages."""
        return self.query_one(Transcript)

    @property
    def composer(self) -> Composer:
        """The text being written."""
        return self.query_one(Composer)

    def show_nothing(self, words: str) -> None:
        """There is no conversation to show, for a reason in words."""
        self._room, self.root = None, None
        self.transcript.clear()
        self.transcript.empty = words
        self.composer.put("")
        self.composer.read_only = True
        self._draw_around()

    def show_thread(self, room: Room, root: UUID | None) -> None:
        """Show a thread of a loaded room; without a root, the start of a new one."""
        self._keep_draft()
        self._room, self.root, self._reply_to = room, root, None
        self._failed, self._failure, self._marked = None, "", None
        self._known = frozenset()
        self.transcript.clear()
        self._first_unread = None
        if root is None:
            self.transcript.empty = "Write the first message below to start a thread."
        else:
            self.transcript.empty = "Loading …"
            self._load(room, root)
        self._take_draft()
        self._draw()

    def changed(self, changes: Changes) -> None:
        """The room's state is new."""
        for message_id in changes.messages:
            self._outbox.seen(message_id)
        state = self._room.state if self._room else None
        if state is None:
            return
        if self.root in changes.roots or changes.troubles or changes.participants:
            self._draw()
        elif changes.grown:
            self.transcript.grow(list(changes.grown))
        if changes.info or changes.participants or changes.threads:
            self._draw_around()
        if self.root in changes.unread and self.transcript.following:
            self._mark()

    def reply(self) -> None:
        """Answer the selected message from now on; what is written stays."""
        selected = self.transcript.selected
        if selected is None or self._room is None:
            return
        written = self.composer.text
        self._reply_to = selected.id
        self._take_draft(instead=written)
        self._draw_around()
        self.composer.focus()

    def step_back(self) -> bool:
        """Give up answering one message, or leave the composer; tells whether there was that."""
        if self._reply_to is not None:
            written = self.composer.text
            self._reply_to = None
            self._take_draft(instead=written)
            self._draw_around()
            return True
        if self.composer.has_focus:
            self.transcript.focus()
            return True
        return False

    def copy(self) -> None:
        """Copy the selected message as it was written."""
        selected = self.transcript.selected
        if selected is not None:
            self.app.copy_to_clipboard(self._text_of(selected.id) or selected.message.content)
            self.app.notify("Sent to the terminal's clipboard.", markup=False, timeout=2)

    def answer_in_progress(self) -> MessageView | None:
        """The newest answer of this thread that is still being written."""
        state = self._room.state if self._room else None
        return streaming(state, self.root) if state and self.root else None

    @work(group="stop", exit_on_error=False)
    async def stop_answer(self, answer: MessageView) -> None:
        """Ask the server to stop an answer."""
        try:
            await self._client.cancel(answer.id)
        except Failure as failure:
            self._tell(failure.sentence)

    @work(group="thread", exclusive=True, exit_on_error=False)
    async def _load(self, room: Room, root: UUID) -> None:
        try:
            await room.open_thread(root)
        except Failure as failure:
            self.transcript.empty = failure.sentence
            self.transcript.refresh()
            return
        if self.root == root and room.state:
            self._first_unread = first_unread(room.state, root)
            self.transcript.empty = ""
            self._draw()
            if self._first_unread:
                self.transcript.go_to(self._first_unread)
            self.transcript.scrolled()

    @on(Transcript.EndNear)
    @work(group="more", exclusive=True, exit_on_error=False)
    async def _more(self) -> None:
        if self._room and self.root and self._room.state:
            await self._room.more_of(self.root)

    @on(Transcript.EndSeen)
    def _mark(self) -> None:
        state = self._room.state if self._room else None
        tree = state.trees.get(self.root) if state and self.root else None
        if not state or not tree or not self.app.app_focus or tree.cursor:
            return
        newest = max(tree, key=lambda message: message.seq)
        if state.unread.get(tree.root_id) and newest.id != self._marked:
            self._marked = newest.id
            self._mark_read(tree.root_id, newest.id)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _mark_read(self, root: UUID, newest: UUID) -> None:
        try:
            await self._client.mark_read(root, message_id=newest)
        except Failure:
            self._marked = None  # it is tried again when the end is seen again

    @on(Transcript.LinkChosen)
    def _open_link(self, event: Transcript.LinkChosen) -> None:
        self.app.open_url(event.href)

    @on(Composer.Sent)
    def _sent(self, event: Composer.Sent) -> None:
        if self._room is None:
            return
        attempt, self._failed = self._failed, None
        target = self._reply_to or self.root
        if attempt is None or attempt.text != event.text or self._target(attempt) != target:
            newest = None if self._reply_to or not self.root else self._newest()
            attempt = Attempt(event.text, self._room.id, self.root, self._reply_to or newest)
            attempt.fixed_parent = self._reply_to is not None
        self._failure, self._reply_to = "", None
        self.composer.put("")
        self._send(attempt, target or self._room.id)
        self.transcript.follow()
        self._draw()

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
            if self._room and self._room.state and self._room.state.message(posted.message_id):
                self._outbox.seen(posted.message_id)
            if attempt.root_id is None and self._room and self._room.id == attempt.conversation_id:
                self.post_message(self.ThreadStarted(posted.root_id))
        self._draw()

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
        state = self._room.state if self._room else None
        tree = state.trees.get(self.root) if state and self.root else None
        return max(tree, key=lambda message: message.seq).id if tree else None

    def _text_of(self, message_id: UUID) -> str | None:
        state = self._room.state if self._room else None
        message = state.message(message_id) if state else None
        return state.text_of(message) if state and message else None

    def _draw(self) -> None:
        """Show the thread as it is now, with what is on its way."""
        state = self._room.state if self._room else None
        if state is None:
            return
        waiting = pending(state, self._outbox.waiting, state.info.id, self.root)
        entries = shown_entries(state, self.root, self._first_unread, waiting)
        known = frozenset(entry.id for entry in entries)
        fresh = sum(1 for e in entries if e.id not in self._known and not e.own)
        self.transcript.show(entries, fresh=fresh if self._known else 0)
        self._known = known
        self._draw_around()

    def _draw_around(self) -> None:
        """The header above the messages and the bar below them."""
        state = self._room.state if self._room else None
        cells = max(10, self.size.width - 4)
        self.query_one("#talk-header", Static).update(header(state, self.root, cells))
        self.composer.read_only = state is None or state.role in {None, "viewer"}
        bar = self.query_one("#talk-bar", Static)
        bar.update(self._bar(cells))
        bar.display = bool(self._failure or self._reply_to or (state and self.root is None))

    def _bar(self, cells: int) -> Content:
        if self._failure:
            return Content.styled(one_line(self._failure), "$text-error")
        if self._reply_to is None:
            return Content.styled("A new thread", "$foreground 60%")
        state = self._room.state if self._room else None
        message = state.message(self._reply_to) if state else None
        entry = self.transcript.selected
        author = entry.author if entry and entry.id == self._reply_to else ""
        words = f"↳ {one_line(author)}: {one_line(message.content if message else '')}"
        return Content.styled(shorten(words, cells), "$text-primary")

    def _tell(self, words: str) -> None:
        self._failure = words
        self._draw_around()
