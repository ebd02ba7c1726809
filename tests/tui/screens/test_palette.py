"""What the command palette finds."""

from msgspec import structs
from tests.support.chat_wire import chat_wire
from tests.support.room import Room
from tests.tui.driving import in_room

from rustygpt_tui.keymap import keys_of


async def test_everything_that_a_key_does_is_listed() -> None:
    """Before anything is typed all commands are there, but for the palette itself."""
    async with chat_wire(Room()) as chat, in_room(chat, (100, 50)) as driver:
        await driver.pilot.press("ctrl+p")
        for key in keys_of("anywhere"):
            if key.id != "rg.palette":
                await driver.until(key.description)
        assert "Find commands" not in driver.text()


async def test_titles_are_text() -> None:
    """A title that looks like markup is found and shown as it is, and gone to."""
    room = Room()
    room.info = structs.replace(room.info, title="[red]Tea[/] \x1b[2J")
    async with chat_wire(room) as chat, in_room(chat) as driver:
        await driver.pilot.press("ctrl+p", *"red")
        await driver.until("Go to [red]Tea[/] [2J")
        streams = chat.streams
        await driver.pilot.press("enter")
        await driver.until(lambda: chat.streams > streams)


async def test_a_command_is_done() -> None:
    """What is chosen happens."""
    async with chat_wire(Room()) as chat, in_room(chat) as driver:
        await driver.pilot.press("ctrl+p", *"people in")
        await driver.until("People in the conversation")
        await driver.pilot.press("enter")
        await driver.until("me (you)  owner")
