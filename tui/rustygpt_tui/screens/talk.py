"""The right side: a thread's messages, and the composer under them."""

import asyncio
from collections.abc import Iterable
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Static

from rustygpt_shared.models.messages import MessageView
from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import Failure
from rustygpt_tui.render.blocks import code_blocks
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.screens.desk import Desk
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog
from rustygpt_tui.screens.room import Room
from rustygpt_tui.screens.shown import (
    block_words,
    context,
    first_unread,
    header,
    pending,
    progress,
    streaming,
)
from rustygpt_tui.screens.writing import Writing
from rustygpt_tui.store.state import Changes, State
from rustygpt_tui.widgets.composer import Composer
from rustygpt_tui.widgets.transcript.entries import Entry
from rustygpt_tui.widgets.transcript.widget import Transcript
from rustygpt_tui.widgets.writers import Writers


class Talk(Writing):
    """Shows one thread of a room, or the start of a new one; sends what is written."""

    def __init__(self, client: Client, desk: Desk, *, id: str) -> None:
        super().__init__(client, desk, id=id)
        self._first_unread: UUID | None = None
        self._waiting: frozenset[UUID] = frozenset()
        self._loading = False
        self._marked: UUID | None = None

    def compose(self) -> ComposeResult:
        """Header, messages, what is being answered, and the text being written."""
        yield Static("", id="talk-header", markup=False)
        yield Transcript(self._text_of, id="transcript")
        yield Writers(id="talk-writers")
        yield Static("", id="talk-bar", markup=False)
        yield Composer(id="composer")

    def on_resize(self) -> None:
        """Header and bar are cut to the width there is."""
        self.draw_around()

    def show_nothing(self, words: str) -> None:
        """There is no conversation to show, for a reason in words."""
        self._keep_draft()
        self._room, self.root = None, None
        self.transcript.clear()
        self.transcript.empty = words
        self.composer.put("")
        self.composer.read_only = True
        self.draw_around()

    def show_thread(self, room: Room, root: UUID | None) -> None:
        """Show a thread of a loaded room; without a root, the start of a new one."""
        self._keep_draft()
        self._room, self.root, self._reply_to = room, root, None
        self._failed, self._failure, self._marked = None, "", None
        self.transcript.clear()
        self._first_unread, self._loading, self._divides = None, root is not None, True
        self.transcript.empty = "Write the first message below to start a thread."
        if root is not None:
            self.transcript.veil("Loading …")
            self._load(room, root)
        self._take_draft()
        self.draw()

    def enter_started(self, root: UUID) -> None:
        """Show the thread that was just started; what was typed meanwhile goes along."""
        if self._room and self.root is None:
            typed = self.composer.text
            self.composer.put("")
            self.show_thread(self._room, root)
            self._divides = False
            self.composer.put(typed)

    def changed(self, changes: Changes) -> None:
        """The room's state is new."""
        for message_id in changes.messages:
            self._outbox.seen(message_id)
        state = self.state
        if state is None:
            return
        if self.root in changes.whole or changes.participants:
            self.draw()
        elif self.root in changes.roots or changes.troubles:
            self._put(changes.messages | changes.troubles)
        if changes.grown:
            self.transcript.grow(list(changes.grown))
        around = changes.info or changes.participants or changes.threads
        if around or self.root in changes.typing:
            self.draw_around()
        if self.root in changes.unread:
            self._mark()

    def reply(self) -> None:
        """Answer the selected message from now on; what is written stays."""
        selected = self.transcript.pick()
        if selected is None or self._room is None:
            return
        self._reply_to = selected.id
        self.draw_around()
        self.composer.focus()

    def step_back(self) -> bool:
        """Give up answering one message, or leave the composer; tells whether there was that."""
        if self._reply_to is not None:
            self._reply_to = None
            self.draw_around()
            return True
        if self.composer.has_focus:
            self.transcript.focus()
            return True
        return False

    def copy(self) -> None:
        """Copy the selected message as it was written."""
        selected = self.transcript.pick()
        if selected is not None:
            self.app.copy_to_clipboard(self._source(selected))

    def copy_code(self) -> None:
        """Copy the selected message's code; of several blocks one is chosen."""
        selected = self.transcript.pick()
        blocks = code_blocks(self._source(selected)) if selected else []

        def chosen(place: str | None) -> None:
            if place is not None:
                self.app.copy_to_clipboard(blocks[int(place)].code)

        if len(blocks) > 1:
            choices = [Choice(str(i), block_words(block)) for i, block in enumerate(blocks)]
            self.app.push_screen(ChooseDialog("Copy which code?", choices), chosen)
        elif blocks:
            chosen("0")
        elif selected:
            self.app.notify("There is no code in this message.", markup=False, timeout=2)

    def _source(self, entry: Entry) -> str:
        return self._text_of(entry.id) or entry.message.content

    def answer_in_progress(self) -> MessageView | None:
        """The newest answer of this thread that is still being written."""
        state = self.state
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
            async for came in room.open_thread(root):
                self._put(came, news=False)
                if room.state:
                    self.transcript.veil(progress(room.state, root))
                await asyncio.sleep(0)  # keys go first
        except Failure as failure:
            self.transcript.veil(f"{failure.sentence} F5 tries again.")
            return
        self._loading = False
        self._land(room, root)

    def load_again(self) -> None:
        """Go on loading a thread whose loading failed."""
        if self._loading and self._room and self.root:
            self._load(self._room, self.root)

    def looked_at(self) -> None:
        """The terminal came to the front, or went: what is seen is read only in front."""
        self._mark()

    def _land(self, room: Room, root: UUID) -> None:
        """The thread is there: go to what is unread, or stay at the end."""
        self.transcript.veil("")
        if room.state and self._divides:
            self._first_unread = first_unread(room.state, root)
        if self._first_unread:
            self._put([self._first_unread])
            self.transcript.go_to(self._first_unread)
        self.transcript.scrolled()

    @on(Transcript.EndNear)
    @work(group="more", exclusive=True, exit_on_error=False)
    async def _more(self) -> None:
        if self._room and self.root and self._room.state and not self._loading:
            self._put(await self._room.more_of(self.root), news=False)

    @on(Transcript.EndSeen)
    def _mark(self) -> None:
        state = self.state
        tree = state.trees.get(self.root) if state and self.root else None
        if not state or not tree or not tree.newest or tree.cursor or self._loading:
            return
        newest, seen = tree.newest.id, self.transcript.following and self.app.app_focus
        if seen and state.unread.get(tree.root_id) and newest != self._marked:
            self._marked = newest
            self._mark_read(self._room, tree.root_id, newest)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _mark_read(self, room: Room | None, root: UUID, newest: UUID) -> None:
        try:
            if room:
                await room.mark_read(root, newest)
        except Failure:
            self._marked = None  # it is tried again when the end is seen again

    @on(Transcript.LinkChosen)
    def _open_link(self, event: Transcript.LinkChosen) -> None:
        self.app.open_url(event.href)

    def _text_of(self, message_id: UUID) -> str | None:
        state = self.state
        message = state.message(message_id) if state else None
        return state.text_of(message) if state and message else None

    def draw(self) -> None:
        """Show the thread as it is now, with what is on its way."""
        if (state := self.state) is None:
            return
        waiting = self._on_its_way(state)
        known = state.trees.get(self.root, ()) if self.root else ()
        told = context(state, self._first_unread, waiting)
        self.transcript.begin([*known, *waiting], told)
        self._waiting = told.pending
        self.draw_around()

    def draw_waiting(self) -> None:
        """Show what is on its way, and no more what has arrived."""
        self._put(())
        self.draw_around()

    def _put(self, ids: Iterable[UUID], *, news: bool = True) -> None:
        """Show these messages as they are now."""
        state = self.state
        if state is None:
            return
        tree, waiting = state.trees.get(self.root) if self.root else None, self._on_its_way(state)
        told = context(state, self._first_unread, waiting)
        found = [message for id_ in ids if tree and (message := tree.get(id_))]
        found.sort(key=lambda message: message.path)
        self.transcript.drop(self._waiting - told.pending)
        self._waiting = told.pending
        self.transcript.put([*found, *waiting], told, news=news)

    def _on_its_way(self, state: State) -> list[MessageView]:
        return pending(state, self._outbox.waiting, state.info.id, self.root)

    def draw_around(self) -> None:
        """The header above the messages and the bar below them."""
        state = self.state
        cells = max(10, self.size.width - 4)
        self.query_one("#talk-header", Static).update(header(state, self.root, cells))
        reader = state is not None and state.role in {None, "viewer"}
        self.composer.read_only = state is None or reader
        self.composer.placeholder = "You may read here, not write." if reader else "Write a message"
        self.query_one(Writers).show(state, self.root, cells)
        bar = self.query_one("#talk-bar", Static)
        bar.update(self._bar(cells))
        bar.display = bool(self._failure or self._reply_to or (state and self.root is None))

    def _bar(self, cells: int) -> Content:
        if self._failure:
            return Content.styled(one_line(self._failure), "$text-error")
        if self._reply_to is None:
            return Content.styled("A new thread", "$foreground 60%")
        state = self.state
        message = state.message(self._reply_to) if state else None
        entry = self.transcript.selected
        author = entry.author if entry and entry.id == self._reply_to else ""
        words = f"↳ {one_line(author)}: {one_line(message.content if message else '')}"
        return Content.styled(shorten(words, cells), "$text-primary")
