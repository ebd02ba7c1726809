"""Dialogs over the main screen."""

from tests.support.chat_wire import chat_wire
from tests.support.room import Room
from tests.tui.driving import in_room


async def test_a_conversation_is_created() -> None:
    """Title and enter make it; in a group the assistant waits to be mentioned."""
    async with chat_wire(Room()) as chat, in_room(chat) as driver:
        await driver.pilot.press("c")
        await driver.until("New conversation")
        await driver.pilot.press("enter")
        await driver.until("Give the conversation a title.")
        await driver.pilot.press(*"Coffee")
        await driver.pilot.press("enter")
        await driver.until(lambda: chat.wire.counted("POST", "/api/conversations"))
        made = ("POST", "/api/conversations")
        asked = next(a for a in chat.wire.asked if (a.method, a.path) == made)
        assert b'"title":"Coffee"' in asked.body


async def test_a_conversation_is_renamed() -> None:
    """The new title is sent, and shown when the server told of it."""
    async with chat_wire(Room()) as chat, in_room(chat) as driver:
        await driver.pilot.press("f3")
        await driver.until("Rename the conversation")
        await driver.pilot.press(*" time")
        await driver.pilot.press("enter")
        await driver.until("Tea time")
