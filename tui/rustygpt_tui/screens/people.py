"""Who is in the conversation: look, add, give another role, remove, leave."""

from collections.abc import Sequence
from uuid import UUID

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from rustygpt_shared.models.conversations import Participant
from rustygpt_shared.models.presence import Status
from rustygpt_shared.models.users import AdminUser, Person
from rustygpt_shared.requests import ConversationRole
from rustygpt_tui.client.http import Client
from rustygpt_tui.errors import Failure
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog
from rustygpt_tui.screens.newcomer import NewcomerDialog
from rustygpt_tui.screens.present import MARKS
from rustygpt_tui.screens.room import Room
from rustygpt_tui.widgets.bindings import bindings

ROLES: tuple[ConversationRole, ...] = ("owner", "admin", "member", "viewer")
_NEW = "new"
_QUIET = "$foreground 60%"


class PeopleDialog(ModalScreen[None]):
    """Participants above, a search for further people below."""

    BINDINGS = bindings("dialog")

    def __init__(self, client: Client, room: Room, *, makes_accounts: bool = False) -> None:
        """`makes_accounts` tells whether who looks may make accounts for others."""
        super().__init__()
        self._client = client
        self._room = room
        self._makes_accounts = makes_accounts

    def compose(self) -> ComposeResult:
        """The list, the search and what it found."""
        with Vertical(classes="dialog"):
            yield Static(Content.styled("People", "bold"), classes="card-title")
            yield OptionList(id="participants", markup=False)
            yield Static("", id="failure", classes="failure", markup=False)
            if self._may_change:
                yield Input(placeholder="Add a person: type a name", id="search")
                yield OptionList(id="found", markup=False)

    def on_mount(self) -> None:
        """Show who is there, and fetch it anew."""
        self.query_one("#failure").display = False
        for found in self.query("#found"):
            found.display = False
        self._show_participants()
        self._change(None)

    @property
    def _may_change(self) -> bool:
        return self._room.state is not None and self._room.state.role in {"owner", "admin"}

    def _participants(self) -> Sequence[Participant]:
        return list(self._room.state.participants.values()) if self._room.state else []

    def _status(self, user_id: UUID) -> Status:
        state = self._room.state
        return state.presence.get(user_id, "offline") if state else "offline"

    def _show_participants(self) -> None:
        listed = self.query_one("#participants", OptionList)
        place = listed.highlighted
        listed.clear_options()
        for person in self._participants():
            name = _name(person.username, person.display_name)
            you = " (you)" if person.user_id == self._room.me else ""
            mark = MARKS[self._status(person.user_id)]
            prompt = Content.assemble(mark, name, (f"{you}  {person.role}", _QUIET))
            listed.add_option(Option(prompt, id=str(person.user_id)))
        listed.highlighted = min(place or 0, max(0, listed.option_count - 1))

    @on(OptionList.OptionSelected, "#participants")
    def _ask(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        user_id = UUID(event.option_id)
        mine = user_id == self._room.me
        choices = [Choice(role, f"Make {role}") for role in ROLES] if self._may_change else []
        if mine or self._may_change:
            choices.append(Choice("remove", "Leave the conversation" if mine else "Remove"))
        if not choices:
            return
        heading = self._room.state.name_of(user_id) if self._room.state else ""

        def chosen(choice: str | None) -> None:
            if choice:
                self._change((user_id, choice))

        self.app.push_screen(ChooseDialog(one_line(heading), choices), chosen)

    @on(Input.Changed, "#search")
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value.strip())

    @work(group="people-search", exclusive=True, exit_on_error=False)
    async def _search(self, query: str) -> None:
        found: Sequence[Person] = []
        if query:
            try:
                found = (await self._client.search_users(query, limit=8)).users
            except Failure as failure:
                self._tell(failure.sentence)
        self._show_found(query, found)

    def _show_found(self, query: str, found: Sequence[Person]) -> None:
        """Who could be added; where there is nobody, what else can be done."""
        present = {person.user_id for person in self._participants()}
        listed = self.query_one("#found", OptionList)
        listed.clear_options()
        for person in found:
            name = Content(_name(person.username, person.display_name))
            here = person.id in present
            prompt = Content.assemble(name, ("  is here already", _QUIET)) if here else name
            listed.add_option(Option(prompt, id=str(person.id), disabled=here))
        if query and not found:
            listed.add_option(self._offer(query))
        listed.display = listed.option_count > 0

    def _offer(self, query: str) -> Option:
        name = shorten(one_line(query), 30)
        if self._makes_accounts:
            return Option(Content(f"Make an account for “{name}” …"), id=_NEW)
        words = f"Nobody is called “{name}”. An administrator makes accounts."
        return Option(Content.styled(words, _QUIET), disabled=True)

    @on(Input.Submitted, "#search")
    def _take_first(self, event: Input.Submitted) -> None:
        event.stop()
        options = self.query_one("#found", OptionList).options
        first = next((option.id for option in options if option.id and not option.disabled), None)
        if first:
            self._take(first)

    @on(OptionList.OptionSelected, "#found")
    def _add(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id:
            self._take(event.option_id)

    def _take(self, choice: str) -> None:
        if choice != _NEW:
            self._change((UUID(choice), "member"))
            return

        def made(newcomer: AdminUser | None) -> None:
            if newcomer:
                self._change((newcomer.id, "member"))

        name = self.query_one("#search", Input).value.strip()
        self.app.push_screen(NewcomerDialog(self._client, name), made)

    @work(group="people-change", exit_on_error=False)
    async def _change(self, wanted: tuple[UUID, str] | None) -> None:
        self.query_one("#failure").display = False
        try:
            if wanted:
                await self._do(*wanted)
            await self._room.refresh_people()
        except Failure as failure:
            self._tell(failure.sentence)
            return
        for search in self.query("#search").results(Input):
            search.value = ""
        self._show_participants()

    async def _do(self, user_id: UUID, wanted: str) -> None:
        if wanted == "remove":
            await self._client.remove_participant(self._room.id, user_id)
            if user_id == self._room.me:
                self.dismiss(None)
            return
        for role in ROLES:
            if role == wanted:
                await self._client.add_participant(self._room.id, user_id, role)

    def _tell(self, words: str) -> None:
        failure = self.query_one("#failure", Static)
        failure.update(Content(one_line(words)))
        failure.display = True


def _name(username: str, display_name: str | None) -> str:
    known = one_line(username)
    return f"{one_line(display_name)} ({known})" if display_name else known
