"""The command palette."""

from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, FakeConversation
from tests.tui.app_driver import in_conversation

from rustygpt_tui.conversation.links import Link
from rustygpt_tui.keymap import keys_of


async def test_all_commands_are_listed() -> None:
    """Before anything is typed, every command with a key but the palette's own is listed."""
    async with (
        fake_chat_server(FakeConversation()) as chat,
        in_conversation(chat, (100, 60)) as driver,
    ):
        await driver.pilot.press("ctrl+p")
        for key in keys_of("anywhere"):
            if key.id != "rg.palette":
                await driver.until(key.description)
        await driver.until("Edit the selected message")
        assert "Find commands" not in driver.text()


async def test_titles_are_never_read_as_markup() -> None:
    """A title that looks like markup is found, shown unchanged and opened."""
    conversation = FakeConversation()
    conversation.info = structs.replace(conversation.info, title="[red]Tea[/] \x1b[2J")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+p", *"red")
        await driver.until("Go to [red]Tea[/] [2J")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.main.thread_pane.composer.has_focus)


async def test_a_chosen_command_runs() -> None:
    """The command for participants opens their dialog."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+p", *"people in")
        await driver.until("People in the conversation")
        await driver.pilot.press("enter")
        await driver.until("me (you)  owner")


async def test_a_pasted_link_opens_its_message() -> None:
    """It is the address that the key for links copies, and that the web page has."""
    conversation = FakeConversation(page_size=20)
    ids = [conversation.post(text="the root")]
    for number in range(60):
        ids.append(conversation.post(ids[-1], text=f"message {number}"))
    conversation.post(text="another thread")
    link = Link(CONVERSATION_ID, ids[0], ids[30])
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+p")
        await driver.until(lambda: driver.app.screen.query("Input"))
        driver.app.screen.query_one("Input").value = link.address(chat.origin)
        await driver.until("Go to the linked message")
        await driver.pilot.press("enter")
        await driver.until("message 29")
        assert driver.main.thread_pane.root == ids[0]
