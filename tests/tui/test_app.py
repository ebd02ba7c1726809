"""The terminal chat as a whole: signing in, and what it needs."""

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.tui.app_driver import in_conversation, running_app

from rustygpt_tui.app import RustyGPT
from rustygpt_tui.config import load_settings
from rustygpt_tui.screens.main import MainScreen


async def test_a_new_server_asks_for_its_administrator() -> None:
    """The form names the administrator and signs in; what does not fit is said and kept."""
    async with fake_chat_server() as chat:
        chat.is_setup = False
        async with running_app(chat) as driver:
            await driver.until("name the first administrator")
            for field, value in (("username", "me"), ("email", "me@x.org"), ("password", "short")):
                driver.app.screen.query_one(f"#{field}").value = value
            await driver.pilot.press("enter")
            await driver.until("A password has 8 to 1,024 characters.")
            assert "me@x.org" in driver.text()
            driver.app.screen.query_one("#password").value = "correct horse"
            await driver.pilot.press("enter")
            await driver.until("● live")


async def test_a_wrong_password_is_said_and_nothing_typed_is_lost() -> None:
    """The sentence of the server is shown; the next try goes through."""
    async with fake_chat_server() as chat, running_app(chat) as driver:
        await driver.until("Sign in")
        driver.app.screen.query_one("#name").value = "me"
        driver.app.screen.query_one("#password").value = "wrong"
        await driver.pilot.press("enter")
        await driver.until("Name or password is wrong.")
        assert driver.app.screen.query_one("#name").value == "me"
        driver.app.screen.query_one("#password").value = "correct horse"
        await driver.pilot.press("enter")
        await driver.until(lambda: isinstance(driver.app.screen, MainScreen))


async def test_a_session_is_enough() -> None:
    """Who signed in before gets straight to the conversations."""
    async with fake_chat_server() as chat, in_conversation(chat) as driver:
        assert "Tea" in driver.text()
        assert chat.http.request_count("POST", "/api/auth/login") == 0


async def test_a_server_that_is_away_is_said_with_a_way_on() -> None:
    """Nothing answers: one sentence and a button, no traceback."""
    app = RustyGPT(load_settings(), server="http://127.0.0.1:1", account=None, local=False)
    async with app.run_test(size=(80, 24)) as pilot:
        while not app.screen.query_one("#again").display:
            await pilot.pause(0.02)
        assert app.screen.query_one("#failure").display
    await app.aclose()


async def test_a_session_that_ends_asks_to_sign_in_again() -> None:
    """The form comes by itself, drafts are kept, and after it the chat goes on."""
    room = FakeConversation()
    room.post(text="a thread")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        await driver.until("a thread")
        await driver.pilot.press("i")
        await driver.write("half a thought")
        chat.signed_in = False
        chat.cut_streams()
        await driver.until("Your session ended. Drafts are kept.")
        driver.app.screen.query_one("#name").value = "me"
        driver.app.screen.query_one("#password").value = "correct horse"
        await driver.pilot.press("enter")
        await driver.until("half a thought")
        await driver.until("● live")


async def test_the_sheets_of_styles_stay_few() -> None:
    """Past 64 sources Textual parses all of them for each new kind of widget."""
    async with fake_chat_server() as chat, in_conversation(chat) as driver:
        await driver.pilot.press("f1", "escape", "f4", "escape", "f2", "escape")
        await driver.pilot.press("ctrl+p", "escape")
        assert len(driver.app.stylesheet.source) <= 48
        assert sum(1 for _ in driver.app.screen.walk_children()) <= 60


async def test_the_palette_finds_actions_and_conversations() -> None:
    """Words typed find what can be done, and where one can go."""
    async with fake_chat_server() as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+p")
        await driver.pilot.press(*"Tea")
        await driver.until("Go to Tea")
        await driver.pilot.press("escape")
