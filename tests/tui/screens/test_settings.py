"""A conversation's settings."""

import msgspec
from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation
from tests.tui.app_driver import in_conversation
from textual.widgets import Input, Select, TextArea


async def test_what_was_changed_is_sent_and_nothing_else() -> None:
    """The prompt and the mode go out; the title that is as before stays unsaid."""
    room = FakeConversation()
    room.info = structs.replace(room.info, model="old")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("s")
        await driver.until("Conversation settings")
        shown = driver.app.screen
        shown.query_one("#mode", Select).value = "off"
        shown.query_one("#model", Input).value = " "
        shown.query_one("#prompt", TextArea).insert("Be brief.\n")
        shown.query_one("#save").focus()
        await driver.pilot.press("enter")
        await driver.until(lambda: room.info.system_prompt == "Be brief.")
        asked = next(a for a in chat.http.requests if a.method == "PATCH")
        assert msgspec.json.decode(asked.body) == {
            "assistant_mode": "off",
            "model": None,
            "system_prompt": "Be brief.",
        }


async def test_what_does_not_fit_is_said_and_kept() -> None:
    """An empty title is refused here, and the dialog stays open with what was typed."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("s")
        await driver.until("Conversation settings")
        driver.app.screen.query_one("#model", Input).value = "qwen3"
        driver.app.screen.query_one("#title", Input).value = " "
        await driver.pilot.press("enter")
        await driver.until("A title needs some text.")
        assert "qwen3" in driver.text()
        assert chat.http.request_count("PATCH", f"/api/conversations/{CONVERSATION_ID}") == 0


async def test_only_who_may_change_it_is_asked() -> None:
    """A member is told who may."""
    room = FakeConversation()
    room.people[ME] = structs.replace(room.people[ME], role="member")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("s")
        await driver.until("Only its owner")
        await driver.pilot.press("f3")
        assert driver.main.is_current
