"""The dialog of a conversation's participants: list, add, change roles, remove, leave."""

from collections.abc import Mapping, Sequence
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
from rustygpt_shared.models.users import AdminUser, PublicUser
from rustygpt_shared.requests import ConversationRole
from rustygpt_tui.client.http import Client
from rustygpt_tui.conversation.session import ConversationSession
from rustygpt_tui.errors import ClientError
from rustygpt_tui.render.text import one_line, shorten
from rustygpt_tui.screens.dialogs import Choice, ChooseDialog
from rustygpt_tui.screens.invite import InviteDialog
from rustygpt_tui.screens.list_dialog import DIM
from rustygpt_tui.screens.new_account import NewAccountDialog
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.controls import Button
from rustygpt_tui.widgets.form import FailureLine, FormFields

PRESENCE_MARKERS: Mapping[Status, tuple[str, str]] = {
    "online": ("● ", "$text-success"),
    "away": ("○ ", "$text-warning"),
    "offline": ("  ", ""),
}
"""The marker and style of each status; they differ in shape, not only in colour."""
ROLES: tuple[ConversationRole, ...] = ("owner", "admin", "member", "viewer")
_NEW = "new"


class PeopleDialog(ModalScreen[None]):
    """Participants above; below, for owners and admins, a search for people to add."""

    BINDINGS = bindings("dialog")

    def __init__(
        self,
        client: Client,
        conversation: ConversationSession,
        *,
        may_create_accounts: bool = False,
    ) -> None:
        """`may_create_accounts` offers to create an account when the search has no result."""
        super().__init__()
        self._client = client
        self._conversation = conversation
        self._may_create_accounts = may_create_accounts

    def compose(self) -> ComposeResult:
        """Create the list of participants, the search field and the list of results."""
        with Vertical(classes="dialog"):
            with FormFields(classes="fields"):
                yield Static(Content.styled("People", "bold"), classes="card-title")
                yield OptionList(id="participants", markup=False)
                if self._may_change:
                    hint = "Add a person: type a name"
                    yield Input(placeholder=hint, id="search", compact=True)
                    yield OptionList(id="found", markup=False)
                    yield Button("Invite by a link …", id="invite", compact=True)
            yield FailureLine()

    def on_mount(self) -> None:
        """Show the participants that are known, and fetch them again."""
        for results in self.query("#found"):
            results.display = False
        self.show_participants()
        self._change(None)

    @property
    def _may_change(self) -> bool:
        return self._conversation.state is not None and self._conversation.state.role in {
            "owner",
            "admin",
        }

    def _participants(self) -> Sequence[Participant]:
        return (
            list(self._conversation.state.participants.values()) if self._conversation.state else []
        )

    def _status(self, user_id: UUID) -> Status:
        state = self._conversation.state
        return state.presence.get(user_id, "offline") if state else "offline"

    def show_participants(self) -> None:
        """List the participants as they are known, with their roles and presence."""
        option_list = self.query_one("#participants", OptionList)
        position = option_list.highlighted
        option_list.clear_options()
        for person in self._participants():
            name = _name(person.username, person.display_name)
            you = " (you)" if person.user_id == self._conversation.me else ""
            marker = PRESENCE_MARKERS[self._status(person.user_id)]
            prompt = Content.assemble(marker, name, (f"{you}  {person.role}", DIM))
            option_list.add_option(Option(prompt, id=str(person.user_id)))
        option_list.highlighted = min(position or 0, max(0, option_list.option_count - 1))

    @on(OptionList.OptionSelected, "#participants")
    def _choose_action(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        user_id = UUID(event.option_id)
        is_me = user_id == self._conversation.me
        choices = [Choice(role, f"Make {role}") for role in ROLES] if self._may_change else []
        if is_me or self._may_change:
            choices.append(Choice("remove", "Leave the conversation" if is_me else "Remove"))
        if not choices:
            return
        heading = self._conversation.state.name_of(user_id) if self._conversation.state else ""

        def on_chosen(choice: str | None) -> None:
            if choice:
                self._change((user_id, choice))

        self.app.push_screen(ChooseDialog(one_line(heading), choices), on_chosen)

    @on(Input.Changed, "#search")
    def _on_search_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._search(event.value.strip())

    @work(group="people-search", exclusive=True, exit_on_error=False)
    async def _search(self, query: str) -> None:
        results: Sequence[PublicUser] = []
        if query:
            try:
                results = (await self._client.search_users(query, limit=8)).users
            except ClientError as failure:
                self.query_one(FailureLine).show(failure.sentence)
        self._show_results(query, results)

    def _show_results(self, query: str, results: Sequence[PublicUser]) -> None:
        """List the people who can be added; without a result, offer to create an account."""
        present = {person.user_id for person in self._participants()}
        option_list = self.query_one("#found", OptionList)
        option_list.clear_options()
        for person in results:
            name = Content(_name(person.username, person.display_name))
            is_present = person.id in present
            prompt = (
                Content.assemble(name, ("  is already a participant", DIM)) if is_present else name
            )
            option_list.add_option(Option(prompt, id=str(person.id), disabled=is_present))
        if query and not results:
            option_list.add_option(self._no_result_option(query))
        option_list.display = option_list.option_count > 0

    def _no_result_option(self, query: str) -> Option:
        name = shorten(one_line(query), 30)
        if self._may_create_accounts:
            return Option(Content(f"Create an account for “{name}” …"), id=_NEW)
        note = f"Nobody is called “{name}”. Only an administrator can create accounts."
        return Option(Content.styled(note, DIM), disabled=True)

    @on(Button.Pressed, "#invite")
    def _invite(self, event: Button.Pressed) -> None:
        event.stop()
        state = self._conversation.state
        if state is not None and state.role is not None:
            self.app.push_screen(InviteDialog(self._client, self._conversation, state.role))

    @on(Input.Submitted, "#search")
    def _choose_first(self, event: Input.Submitted) -> None:
        event.stop()
        options = self.query_one("#found", OptionList).options
        first = next((option.id for option in options if option.id and not option.disabled), None)
        if first:
            self._choose(first)

    @on(OptionList.OptionSelected, "#found")
    def _on_result_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        if event.option_id:
            self._choose(event.option_id)

    def _choose(self, choice: str) -> None:
        if choice != _NEW:
            self._change((UUID(choice), "member"))
            return

        def on_created(account: AdminUser | None) -> None:
            if account:
                self._change((account.id, "member"))

        name = self.query_one("#search", Input).value.strip()
        self.app.push_screen(NewAccountDialog(self._client, name), on_created)

    @work(group="people-change", exit_on_error=False)
    async def _change(self, change: tuple[UUID, str] | None) -> None:
        """Apply a change, a user id with a role or "remove", and fetch the participants again."""
        self.query_one(FailureLine).hide()
        try:
            if change:
                await self._apply(*change)
            await self._conversation.refresh_participants()
        except ClientError as failure:
            self.query_one(FailureLine).show(failure.sentence)
            return
        for search in self.query("#search").results(Input):
            search.value = ""
        self.show_participants()

    async def _apply(self, user_id: UUID, action: str) -> None:
        if action == "remove":
            await self._client.remove_participant(self._conversation.id, user_id)
            if user_id == self._conversation.me:
                self.dismiss(None)
            return
        for role in ROLES:
            if role == action:
                await self._client.add_participant(self._conversation.id, user_id, role)


def _name(username: str, display_name: str | None) -> str:
    plain_username = one_line(username)
    return f"{one_line(display_name)} ({plain_username})" if display_name else plain_username
