"""Fields and failures of all dialogs and forms on small terminals, and the composer there."""

from collections.abc import Callable

import pytest
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, START, FakeConversation
from tests.tui.app_driver import AppDriver, in_conversation, running_app
from textual.errors import NoWidget
from textual.widget import Widget
from textual.widgets import Input

from rustygpt_shared.models.conversations import Conversation
from rustygpt_tui.screens.dialogs import (
    Choice,
    ChooseDialog,
    NewConversationDialog,
    TextInputDialog,
)
from rustygpt_tui.screens.invite import InviteDialog
from rustygpt_tui.screens.new_account import NewAccountDialog
from rustygpt_tui.screens.password import PasswordDialog
from rustygpt_tui.screens.people import PeopleDialog
from rustygpt_tui.screens.settings import SettingsDialog
from rustygpt_tui.screens.show_once import ShowOnceDialog
from rustygpt_tui.screens.start import StartScreen
from rustygpt_tui.screens.tokens import NewTokenDialog
from rustygpt_tui.widgets.form import FailureLine, FormFields

SMALL = [(80, 24), (60, 20), (40, 12), (20, 5)]
CONVERSATION = Conversation(CONVERSATION_ID, "Tea", True, "owner", 0, START, 1, "always", START)
SIZES = pytest.mark.parametrize("size", SMALL)


def _rows_shown(driver: AppDriver, widget: Widget) -> int:
    """Return how many rows of a widget are on the screen and not scrolled away."""
    try:
        return driver.app.screen.find_widget(widget).visible_region.height
    except NoWidget:  # not laid out yet
        return 0


async def _walk(driver: AppDriver) -> list[str]:
    """Press tab until the focus returns; each focused widget is shown. Return their ids."""
    await driver.until(lambda: driver.app.screen.focused)
    seen: list[Widget] = []
    while (focused := driver.app.screen.focused) not in seen:
        assert focused is not None
        await driver.until(lambda widget=focused: _rows_shown(driver, widget) > 0)
        seen.append(focused)
        await driver.pilot.press("tab")
        await driver.pilot.pause()
    return [widget.id or "" for widget in seen]


@SIZES
async def test_the_form_to_set_up_shows_its_button_and_its_failure(size: tuple[int, int]) -> None:
    """All fields and the button are reached; the failure stays in view at every field."""
    async with fake_chat_server() as chat:
        chat.is_setup = False
        async with running_app(chat, size) as driver:
            await driver.until(lambda: driver.app.screen.query("#username"))
            assert await _walk(driver) == ["username", "email", "password", "submit"]
            for field, text in {"username": "ann", "email": "bad", "password": "x"}.items():
                driver.app.screen.query_one(f"#{field}", Input).value = text
            driver.app.screen.query_one("#submit").focus()
            await driver.pilot.press("enter")
            await driver.until("e-mail address.")
            await _walk(driver)
            assert "e-mail address." in driver.text()


@SIZES
async def test_the_form_to_sign_in_is_usable(size: tuple[int, int]) -> None:
    """Name, password and button are reached, and what is typed is shown."""
    async with fake_chat_server() as chat, running_app(chat, size) as driver:
        await driver.until(lambda: driver.app.screen.query("#name"))
        assert await _walk(driver) == ["name", "password", "submit", "browser"]
        await driver.pilot.press(*"someone")
        await driver.until("someone")


DIALOGS: dict[str, tuple[Callable[[AppDriver], object], list[str]]] = {
    "new conversation": (
        lambda driver: NewConversationDialog(),
        ["title", "group", "mode", "create", "cancel"],
    ),
    "text": (lambda driver: TextInputDialog("Rename the conversation", "Tea"), [""]),
    "choose": (
        lambda driver: ChooseDialog("Which?", [Choice(str(n), f"choice {n}") for n in range(30)]),
        [""],
    ),
    "account": (
        lambda driver: NewAccountDialog(driver.main.controller.client, "bo"),
        ["email", "password", "submit", "cancel", "username"],
    ),
    "show once": (lambda driver: ShowOnceDialog("A", "b", "c\nd\ne"), ["copy", "done"]),
    "token": (
        lambda driver: NewTokenDialog(driver.main.controller.client, is_admin=True),
        ["name", "read", "write", "v1", "admin", "seconds", "submit", "cancel"],
    ),
    "password": (
        lambda driver: PasswordDialog(driver.main.controller.client),
        ["current", "new", "again", "submit", "cancel"],
    ),
    "settings": (
        lambda driver: SettingsDialog(driver.main.controller.client, CONVERSATION, []),
        ["title", "mode", "model", "prompt", "submit", "cancel"],
    ),
    "settings without a list of models": (
        lambda driver: SettingsDialog(driver.main.controller.client, CONVERSATION, "No list."),
        ["title", "mode", "model", "prompt", "submit", "cancel"],
    ),
    "people": (
        lambda driver: PeopleDialog(
            driver.main.controller.client, driver.main.controller.loaded_session
        ),
        ["participants", "search", "invite"],
    ),
    "invite": (
        lambda driver: InviteDialog(
            driver.main.controller.client, driver.main.controller.loaded_session, "owner"
        ),
        ["email", "role", "seconds", "submit", "list", "cancel"],
    ),
}


async def test_a_dialog_opens_at_its_first_field() -> None:
    """No scrolling of an earlier layout moves the focused field out of view."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.resize_terminal(40, 12)
        await driver.pilot.press("s")
        await driver.until(lambda: driver.app.screen.query("#title"))
        title = driver.app.screen.query_one("#title")
        fields = driver.app.screen.query_one(FormFields)
        await driver.until(lambda: driver.app.screen.has_class("-tiny") and title.has_focus)
        for _ in range(3):
            await driver.pilot.pause()
            await driver.app.animator.wait_until_complete()
        assert _rows_shown(driver, title) == 1
        assert fields.scroll_offset.y == 0


@pytest.mark.parametrize("name", DIALOGS)
async def test_every_field_of_a_dialog_is_reached(name: str) -> None:
    """Tab shows each field and button in turn, and a failure takes no field's place."""
    make, expected = DIALOGS[name]
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        main = driver.main
        for size in SMALL:
            await driver.pilot.resize_terminal(*size)
            driver.app.push_screen(make(driver))
            await driver.until(lambda: driver.app.screen is not main)
            assert await _walk(driver) == expected
            for failure in driver.app.screen.query(FailureLine):
                failure.show("Something failed.")
                await driver.until("Something failed.")
                await _walk(driver)
            await driver.pilot.press("escape")
            await driver.until(lambda: driver.app.screen is main)


async def test_the_highlighted_choice_is_shown() -> None:
    """The list of a dialog scrolls to the last choice, below its heading."""
    choices = [Choice(str(number), f"choice {number}") for number in range(30)]
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        driver.app.push_screen(ChooseDialog("Which?", choices))
        for size in SMALL:
            await driver.pilot.resize_terminal(*size)
            await driver.pilot.press("home")
            await driver.until("choice 0")
            await driver.pilot.press("end")
            await driver.until("choice 29")
            assert "Which?" in driver.text()


async def test_a_smaller_terminal_keeps_the_focused_field_in_view() -> None:
    """The last button stays visible when the window shrinks."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("s")
        await driver.until("Conversation settings")
        save = driver.app.screen.query_one("#submit")
        save.focus()
        await driver.pilot.resize_terminal(40, 8)
        await driver.until(lambda: _rows_shown(driver, save) == 1)


async def test_the_start_screen_shows_its_button() -> None:
    """A long reason is scrolled before the button is cut off."""
    async with fake_chat_server() as chat, running_app(chat) as driver:
        await driver.until("Sign in")
        start = StartScreen()
        await driver.app.push_screen(start)
        start.show_failure("The server cannot be reached. " * 6)
        for size in SMALL:
            await driver.pilot.resize_terminal(*size)
            await driver.until(lambda: _rows_shown(driver, start.query_one("#again")) > 0)


async def test_what_is_written_is_shown() -> None:
    """The composer keeps a row with the cursor, also for more lines than it shows."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        driver.main.focus_composer()
        await driver.pilot.pause()
        await driver.pilot.press(*"first", "ctrl+j", *"second", "ctrl+j", *"third")
        for size in SMALL:
            await driver.pilot.resize_terminal(*size)
            await driver.until("third")
            assert _rows_shown(driver, driver.main.thread_pane.composer) >= 1
            assert _rows_shown(driver, driver.main.thread_pane.transcript) >= 2
