"""Conversations and threads at the left, the talk at the right, and what keeps them current.

What keys do there is the business of `main`.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.users import User
from rustygpt_tui.client.feed import Connecting, Live, Lost
from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import Failure, SignInNeeded
from rustygpt_tui.messages import ConnectionChanged, StoreChanged
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.desk import Desk
from rustygpt_tui.screens.present import BEAT_SECONDS
from rustygpt_tui.screens.reporting import Reporting
from rustygpt_tui.screens.room import Room
from rustygpt_tui.screens.shelf import Shelf
from rustygpt_tui.screens.shown import conversation_rows, thread_rows
from rustygpt_tui.screens.talk import Talk
from rustygpt_tui.store.state import Changes, called
from rustygpt_tui.widgets.lists import SideList
from rustygpt_tui.widgets.status import StatusLine

LIST_SECONDS = 15


class RoomScreen(Screen[None], Reporting):
    """One conversation is open at a time, and followed live."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (80, "-medium"), (120, "-wide")]

    def __init__(self, client: Client, user: User, desk: Desk, now: Callable[[], datetime]) -> None:
        super().__init__()
        self._now = now
        self.client = client
        self._user = user
        self._desk = desk
        self.room: Room | None = None
        self.wanted: UUID | None = None
        self.shelf = Shelf(client)

    def compose(self) -> ComposeResult:
        """Lists, talk and status line."""
        with Horizontal(id="body"):
            with Vertical(id="side"):
                yield Static(Content.styled("Conversations", "bold"), classes="list-title")
                yield SideList("None yet: c starts one", id="conversations")
                yield Static(Content.styled("Threads", "bold"), classes="list-title")
                yield SideList("None yet", id="threads")
            yield Talk(self.client, self._desk, id="talk")
        yield StatusLine(id="status")

    def on_mount(self) -> None:
        """Fetch what there is, and look again from time to time."""
        self.add_class("-lists")
        self.talk.show_nothing("Loading …")
        self.status.show_person(called(self._user))
        self.list_conversations()
        self.set_interval(LIST_SECONDS, self.list_conversations)
        self.beat_presence()
        self.set_interval(BEAT_SECONDS, self.beat_presence)
        self.query_one("#conversations").focus()
        self.watch(self.app, "app_focus", self.talk.looked_at, init=False)

    @work(group="beat", exclusive=True, exit_on_error=False)
    async def beat_presence(self) -> None:
        """Say that one is there; a server that does not hear it shows one as away."""
        with suppress(Failure):
            await self.client.beat_presence()

    @property
    def conversations(self) -> Sequence[Conversation]:
        """Those that are listed."""
        return self.shelf.conversations

    @property
    def talk(self) -> Talk:
        """The right side."""
        return self.query_one(Talk)

    @property
    def status(self) -> StatusLine:
        """The bottom line."""
        return self.query_one(StatusLine)

    # Conversations and threads

    @work(group="list", exclusive=True, exit_on_error=False)
    async def list_conversations(self) -> None:
        """Fetch the conversations; the first one is opened when none is."""
        try:
            await self.shelf.refresh()
        except SignInNeeded as failure:
            self._signed_out(failure)
            return
        except Failure as failure:
            if self.room is None:
                self.talk.show_nothing(failure.sentence)
            return
        self._show_lists()
        if self.wanted is None and self.conversations:
            self.open_conversation(self.conversations[0].id)
        elif not self.conversations:
            self.talk.show_nothing("No conversations yet. Press c to start one.")

    def open_conversation(self, id: UUID, root: UUID | None = None) -> None:
        """Open a conversation, at a thread of it or at the one that wants reading."""
        if self.room:
            self.room.stop()
        self.wanted = id
        self.room = Room(
            self.client,
            id,
            self._user.id,
            changed=self._tell_changes,
            connected=self._tell_connection,
        )
        self.talk.show_nothing("Loading …")
        self._show_lists()
        self._enter(self.room, root)

    @work(group="room", exclusive=True, exit_on_error=False)
    async def _enter(self, room: Room, root: UUID | None) -> None:
        try:
            state = await room.load()
            unread = [t.root_id for t in state.threads if state.unread.get(t.root_id)]
            first = unread[0] if unread else state.threads[0].root_id if state.threads else None
            self.open_thread(root or first)
            await room.follow()
        except SignInNeeded as failure:
            self._signed_out(failure)
        except Failure as failure:
            self.talk.show_nothing(f"{failure.sentence} F5 tries again.")
            self.status.show_connection(None)

    def open_thread(self, root: UUID | None) -> None:
        """Show a thread of the open conversation, or the start of a new one."""
        if self.room and self.room.state:
            self.talk.show_thread(self.room, root)
            self._show_lists()
            self.show_hints()

    @on(SideList.EndNear, "#conversations")
    @work(group="more-conversations", exclusive=True, exit_on_error=False)
    async def _more_conversations(self) -> None:
        if await self.shelf.more():
            self._show_lists()

    @on(SideList.EndNear, "#threads")
    @work(group="more-threads", exclusive=True, exit_on_error=False)
    async def _more_threads(self) -> None:
        if self.room and self.room.state:
            await self.room.more_threads()

    @on(SideList.Chosen, "#conversations")
    def _conversation_chosen(self, event: SideList.Chosen) -> None:
        if self.room is None or event.id != self.room.id or self.room.state is None:
            self.open_conversation(event.id)
        if self.has_class("-narrow"):
            self.query_one("#threads").focus()
        else:
            self.to_talk()

    @on(SideList.Chosen, "#threads")
    def _thread_chosen(self, event: SideList.Chosen) -> None:
        self.open_thread(event.id)
        self.to_talk()

    @on(Talk.ThreadStarted)
    def _thread_started(self, event: Talk.ThreadStarted) -> None:
        self.talk.enter_started(event.root_id)
        self._show_lists()

    # What happens

    def _tell_changes(self, changes: Changes) -> None:
        self.post_message(StoreChanged(changes))

    def _tell_connection(self, connection: Connecting | Live | Lost) -> None:
        self.post_message(ConnectionChanged(connection))

    def on_store_changed(self, message: StoreChanged) -> None:
        """Show what is new where it is shown."""
        changes, state = message.changes, self.room.state if self.room else None
        if state is None:
            return
        if state.gone:
            self._left(state.info.title)
            return
        began = time.perf_counter()
        self.talk.changed(changes)
        if changes.info or changes.threads or changes.unread:
            self._show_lists()
        self.show_hints()
        if self.room:
            self.room.cost = time.perf_counter() - began

    def show_hints(self) -> None:
        """Tell the keys that matter where one is."""

    def on_connection_changed(self, message: ConnectionChanged) -> None:
        """Tell how the stream stands."""
        self.status.show_connection(message.connection)

    def _left(self, title: str) -> None:
        self.notify(f"You are no longer in {one_line(title)}.", markup=False)
        if self.room:
            self.room.stop()
        self.room, self.wanted = None, None
        self.talk.show_nothing("Choose a conversation.")
        self.list_conversations()

    def _signed_out(self, failure: Failure) -> None:
        self.workers.cancel_group(self, "room")
        self.app.call_later(self.app.run_action, "app.sign_in")
        self.log(failure.sentence)

    def _show_lists(self) -> None:
        state = self.room.state if self.room else None
        if state:
            self.shelf.reflect(state)
        rows = conversation_rows(self.conversations, state)
        self.query_one("#conversations", SideList).show(rows, self.wanted)
        self.query_one("#threads", SideList).show(thread_rows(state, self._now()), self.talk.root)

    @work(group="room", exclusive=True, exit_on_error=False)
    async def follow_again(self, room: Room) -> None:
        """Connect the stream of a loaded room once more."""
        try:
            await room.follow()
        except SignInNeeded as failure:
            self._signed_out(failure)

    def to_talk(self) -> None:
        """Go to the composer."""
        self.remove_class("-lists")
        self.talk.composer.focus()
