"""The dialog of a conversation's settings."""

import msgspec
from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation
from tests.tui.app_driver import in_conversation
from textual.widgets import Input, Select, TextArea


async def test_only_changed_settings_are_sent() -> None:
    """Prompt, model and mode are sent, the unchanged title is not; the prompt is fetched first."""
    conversation = FakeConversation()
    conversation.info = structs.replace(conversation.info, model="old")
    conversation.system_prompt = "Be kind."
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("s")
        await driver.until("Conversation settings")
        dialog = driver.app.screen
        dialog.query_one("#mode", Select).value = "off"
        dialog.query_one("#model", Input).value = " "
        assert dialog.query_one("#prompt", TextArea).text == "Be kind."
        dialog.query_one("#prompt", TextArea).text = "Be brief.\n"
        dialog.query_one("#submit").focus()
        await driver.pilot.press("enter")
        await driver.until(lambda: conversation.system_prompt == "Be brief.")
        request = next(r for r in chat.http.requests if r.method == "PATCH")
        assert msgspec.json.decode(request.body) == {
            "assistant_mode": "off",
            "model": None,
            "system_prompt": "Be brief.",
        }


async def test_an_invalid_title_is_reported_and_the_fields_are_kept() -> None:
    """An empty title is not sent, and the dialog stays open."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("s")
        await driver.until("Conversation settings")
        driver.app.screen.query_one("#model", Input).value = "qwen3"
        driver.app.screen.query_one("#title", Input).value = " "
        await driver.pilot.press("enter")
        await driver.until("A title needs at least one visible character.")
        assert "qwen3" in driver.text()
        assert chat.http.request_count("PATCH", f"/api/conversations/{CONVERSATION_ID}") == 0


async def test_members_may_not_change_settings() -> None:
    """A member gets a notice instead of the dialog."""
    conversation = FakeConversation()
    conversation.people[ME] = structs.replace(conversation.people[ME], role="member")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("s")
        await driver.until("Only the owner")
        await driver.pilot.press("f3")
        assert driver.main.is_current
