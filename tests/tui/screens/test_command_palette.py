"""What the command palette finds."""

from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.tui.app_driver import in_conversation

from rustygpt_tui.keymap import keys_of


async def test_everything_that_a_key_does_is_listed() -> None:
    """Before anything is typed all commands are there, but for the palette itself."""
    async with (
        fake_chat_server(FakeConversation()) as chat,
        in_conversation(chat, (100, 50)) as driver,
    ):
        await driver.pilot.press("ctrl+p")
        for key in keys_of("anywhere"):
            if key.id != "rg.palette":
                await driver.until(key.description)
        assert "Find commands" not in driver.text()


async def test_titles_are_text() -> None:
    """A title that looks like markup is found and shown as it is, and gone to."""
    room = FakeConversation()
    room.info = structs.replace(room.info, title="[red]Tea[/] \x1b[2J")
    async with fake_chat_server(room) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+p", *"red")
        await driver.until("Go to [red]Tea[/] [2J")
        streams = chat.streams
        await driver.pilot.press("enter")
        await driver.until(lambda: chat.streams > streams)


async def test_a_command_is_done() -> None:
    """What is chosen happens."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+p", *"people in")
        await driver.until("People in the conversation")
        await driver.pilot.press("enter")
        await driver.until("me (you)  owner")
