"""Dialogs over the main screen."""

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.tui.app_driver import in_conversation


async def test_a_conversation_is_created() -> None:
    """Title and enter make it; in a group the assistant waits to be mentioned."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("c")
        await driver.until("New conversation")
        await driver.pilot.press("enter")
        await driver.until("Give the conversation a title.")
        await driver.pilot.press(*"Coffee")
        await driver.pilot.press("enter")
        await driver.until(lambda: chat.http.request_count("POST", "/api/conversations"))
        made = ("POST", "/api/conversations")
        asked = next(a for a in chat.http.requests if (a.method, a.path) == made)
        assert b'"title":"Coffee"' in asked.body


async def test_a_conversation_is_renamed() -> None:
    """The new title is sent, and shown when the server told of it."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("f3")
        await driver.until("Rename the conversation")
        await driver.pilot.press(*" time")
        await driver.pilot.press("enter")
        await driver.until("Tea time")
