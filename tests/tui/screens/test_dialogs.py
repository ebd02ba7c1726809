"""The dialogs over the main screen."""

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.tui.app_driver import in_conversation


async def test_a_conversation_is_created() -> None:
    """A title and enter create it; without a title the dialog stays open."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("c")
        await driver.until("New conversation")
        await driver.pilot.press("enter")
        await driver.until("Give the conversation a title.")
        await driver.pilot.press(*"Coffee")
        await driver.pilot.press("enter")
        await driver.until(lambda: chat.http.request_count("POST", "/api/conversations"))
        route = ("POST", "/api/conversations")
        request = next(r for r in chat.http.requests if (r.method, r.path) == route)
        assert b'"title":"Coffee"' in request.body


async def test_a_conversation_is_renamed() -> None:
    """The new title is sent, and shown when the server has published it."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("f3")
        await driver.until("Rename the conversation")
        await driver.pilot.press(*" time")
        await driver.pilot.press("enter")
        await driver.until("Tea time")
