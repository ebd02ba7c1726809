"""Who is in the conversation."""

from uuid import UUID

from tests.support.chat_wire import chat_wire
from tests.support.room import Room
from tests.tui.driving import in_room


async def test_a_person_is_found_and_added() -> None:
    """Typing a name finds people, enter adds the first; names are text, never markup."""
    async with chat_wire(Room()) as chat, in_room(chat) as driver:
        await driver.pilot.press("p")
        await driver.until("me (you)  owner")
        driver.app.screen.query_one("#search").focus()
        await driver.pilot.press("z")
        await driver.until("Zoe [b] (zoe)")
        await driver.pilot.press("enter")
        await driver.until(lambda: UUID(int=55) in chat.room.people)
        await driver.until("p55")
