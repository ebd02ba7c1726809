"""The terminal chat as a whole: connecting and signing in."""

import asyncio

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse, RecordedRequest, problem
from tests.support.wait import until
from tests.tui.app_driver import in_conversation, running_app

from rustygpt_shared.models.users import Ok
from rustygpt_tui.app import RustyGPT
from rustygpt_tui.config import load_settings
from rustygpt_tui.screens.main import MainScreen


async def test_a_new_server_shows_the_set_up_form() -> None:
    """An invalid field is reported and kept; then the administrator is signed in."""
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


async def test_a_wrong_password_is_reported_and_the_fields_are_kept() -> None:
    """The server's sentence is shown, and the next attempt succeeds."""
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


async def test_a_saved_session_needs_no_sign_in() -> None:
    """With a saved session the conversations are shown at once."""
    async with fake_chat_server() as chat, in_conversation(chat) as driver:
        assert "Tea" in driver.text()
        assert chat.http.request_count("POST", "/api/auth/login") == 0


async def test_an_unreachable_server_is_reported_with_a_button() -> None:
    """One sentence and a button to try again are shown, no traceback."""
    app = RustyGPT(load_settings(), server="http://127.0.0.1:1", account=None, local=False)
    async with app.run_test(size=(80, 24)) as pilot:
        while not app.screen.query_one("#again").display:
            await pilot.pause(0.02)
        assert app.screen.query_one("#failure").display
    await app.aclose()


async def test_the_end_of_a_session_shows_the_sign_in_form() -> None:
    """Drafts are kept, and the chat continues after the user signed in."""
    conversation = FakeConversation()
    conversation.post(text="a thread")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
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


async def test_a_server_that_sends_no_events_is_not_shown_as_live() -> None:
    """The reason is shown once, and the stream is not requested again until the user retries."""
    async with fake_chat_server() as chat, in_conversation(chat) as driver:
        chat.http.on("GET", "/api/stream", FakeResponse(body={}))
        chat.cut_streams()
        await driver.until("did not answer")
        assert "live" not in driver.text()


async def test_a_voluntary_sign_out_is_named_so() -> None:
    """Also when the server ends the stream before it responds to the sign-out."""
    async with fake_chat_server() as chat, in_conversation(chat) as driver:
        respond = asyncio.Event()

        def log_out(_: RecordedRequest) -> FakeResponse:
            chat.signed_in = False
            chat.cut_streams()
            return FakeResponse(body=Ok(ok=True), after=respond)

        chat.http.on("POST", "/api/auth/logout", log_out)
        driver.app.action_sign_out()
        await driver.until("You are signed out. Drafts are kept.")
        respond.set()
        await driver.until(lambda: not driver.app._is_signing_out)
        assert "session ended" not in driver.text()


async def test_a_sign_out_that_fails_is_an_error() -> None:
    """The user stays signed in, here as well as at the server."""
    async with fake_chat_server() as chat, in_conversation(chat) as driver:
        chat.http.on("POST", "/api/auth/logout", problem(500, "RGP.INTERNAL", "It failed."))
        driver.app.action_sign_out()
        await driver.until("You are still signed in: It failed.")
        assert isinstance(driver.app.screen, MainScreen)


async def test_no_connection_is_open_after_the_exit() -> None:
    """The app closes idle connections and the stream before it returns."""
    async with fake_chat_server() as chat:
        async with in_conversation(chat):
            pass
        chat.cut_streams()
        await until(lambda: chat.http.open_connections == 0)


async def test_there_are_few_style_sheets() -> None:
    """Above 64 sources Textual parses all of them again for each new type of widget."""
    async with fake_chat_server() as chat, in_conversation(chat) as driver:
        await driver.pilot.press("f1", "escape", "f4", "escape", "f2", "escape")
        await driver.pilot.press("ctrl+p", "escape")
        assert len(driver.app.stylesheet.source) <= 48
        assert sum(1 for _ in driver.app.screen.walk_children()) <= 60


async def test_the_palette_finds_conversations() -> None:
    """A typed title finds its conversation."""
    async with fake_chat_server() as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+p")
        await driver.pilot.press(*"Tea")
        await driver.until("Go to Tea")
        await driver.pilot.press("escape")


async def test_no_message_is_lost_to_a_rate_limit() -> None:
    """A notification says for how long they wait, and all are sent in the order of the writing."""
    conversation = FakeConversation()
    conversation.post(text="the root")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        chat.posts_are_limited = True
        driver.main.focus_composer()
        await driver.until("the root")
        written = [f"quickly {number}" for number in range(4)]
        for text in written:
            await driver.write(text)
            await driver.pilot.press("enter")
        await driver.until("Too many messages. Trying again in 1 s.")
        chat.posts_are_limited = False
        messages = chat.conversation.messages
        await driver.until(lambda: sum(m.content in written for m in messages.values()) == 4)
        await driver.until(lambda: "sending" not in driver.text())

    sent = [message.content for message in messages.values() if message.content in written]
    assert sent == written
    keys = [r.headers["idempotency-key"] for r in chat.http.requests if b"quickly" in r.body]
    assert len(set(keys)) == 4 < len(keys)
