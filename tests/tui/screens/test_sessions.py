"""The dialog of the user's own sessions."""

from uuid import UUID

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse
from tests.support.sample_models import TIME
from tests.tui.app_driver import in_conversation

from rustygpt_shared.models.users import Ok, OwnSession, SessionList

HERE = OwnSession(UUID(int=1), TIME, TIME, TIME, TIME, "rustygpt/0.1", "::1", current=True)
OTHER = OwnSession(UUID(int=2), TIME, TIME, TIME, TIME, "Fire\x1b[2Jfox [b]", "192.0.2.7")


async def test_a_session_is_ended() -> None:
    """The palette leads to the list; names of programs are no markup and no escape sequences."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        both, one = (FakeResponse(200, SessionList(listed)) for listed in ([HERE, OTHER], [HERE]))
        chat.http.on("GET", "/api/auth/sessions", both, one)
        chat.http.on("DELETE", f"/api/auth/sessions/{OTHER.id}", FakeResponse(204))
        await driver.pilot.press("ctrl+p", *"your sessions")
        await driver.until("Where you are signed in")
        await driver.pilot.press("enter")
        await driver.until("Fire[2Jfox [b]  192.0.2.7")
        await driver.pilot.press("down", "enter")
        await driver.until("End this session")
        await driver.pilot.press("enter")
        await driver.until(lambda: "Fire" not in driver.text())
        assert "this one" in driver.text()


async def test_ending_the_session_in_use_signs_out() -> None:
    """The sign-in form follows."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        chat.http.on("GET", "/api/auth/sessions", FakeResponse(200, SessionList([HERE])))
        chat.http.on("POST", "/api/auth/logout", FakeResponse(200, Ok(ok=True)))
        driver.main.account_dialogs.show_sessions()
        await driver.until("this one")
        await driver.pilot.press("enter")
        await driver.until("Sign out here")
        await driver.pilot.press("enter")
        await driver.until("You are signed out.")
