"""Archiving, leaving and deleting the open conversation in the terminal."""

import pytest
from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation, person_id
from tests.tui.app_driver import in_conversation
from textual.widgets import Input


def _conversation(role: str = "owner") -> FakeConversation:
    conversation = FakeConversation()
    conversation.add(person_id(1), "owner")
    conversation.people[ME] = structs.replace(conversation.people[ME], role=role)
    conversation.post(text="words", author=person_id(1))
    return conversation


async def test_an_archived_conversation_is_read_only_and_found_again() -> None:
    """It leaves the list, keeps the draft, and comes back from the list of archived ones."""
    conversation = _conversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.write("my draft")
        await driver.pilot.press("f9")
        await driver.until("What to do with Tea?")
        await driver.pilot.press("enter")
        await driver.until("This conversation is archived: read only. Your draft is kept.")
        await driver.until(lambda: not driver.main.controller.conversations)
        driver.main.focus_messages()
        await driver.pilot.press("e")
        await driver.until("nothing in it can be edited")
        await driver.pilot.press("f9")
        await driver.until("Show the archived conversations")
        await driver.pilot.press("end", "enter")
        await driver.until("Archived conversations")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.main.is_current)
        await driver.pilot.press("f9")
        await driver.until("Unarchive it")
        await driver.pilot.press("enter")
        await driver.until(lambda: bool(driver.main.controller.conversations))
        await driver.until(lambda: not driver.main.thread_pane.composer.read_only)
        assert driver.main.thread_pane.composer.text == "my draft"


async def test_delete_asks_for_the_title() -> None:
    """Another text deletes nothing; afterwards the conversation is closed with a sentence."""
    conversation = _conversation()
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        path = f"/api/conversations/{CONVERSATION_ID}"
        await driver.pilot.press("f9")
        await driver.until("Delete it with everything in it")
        await driver.pilot.press("down", "down", "enter")
        await driver.until("Type its title")
        await driver.pilot.press(*"tea", "enter")
        await driver.until("That is not its title.")
        assert chat.http.request_count("DELETE", path) == 0
        driver.app.screen.query_one(Input).value = "Tea"
        await driver.pilot.press("enter")
        await driver.until("Tea was deleted.")
        # The second one as soon as the list is fetched again, without the conversation.
        texts = ("Choose a conversation.", "No conversations yet.")
        await driver.until(lambda: any(text in driver.text() for text in texts))
        assert chat.http.request_count("DELETE", path) == 1


async def test_leave_asks_once() -> None:
    """Cancel stays; afterwards the conversation is closed."""
    conversation = _conversation("member")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("A")
        await driver.until("Leave it")
        await driver.pilot.press("enter")
        await driver.until("Leave this conversation?")
        await driver.pilot.press("escape")
        assert ME in conversation.people
        await driver.pilot.press("A", "enter")
        await driver.until("Leave this conversation?")
        await driver.pilot.press("enter")
        await driver.until("You are no longer in Tea.")


async def test_a_deletion_by_somebody_else_closes_the_conversation() -> None:
    """It leaves the screen and the list without a request."""
    conversation = _conversation("member")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.until("words")
        conversation.delete_all()
        await driver.until("Tea was deleted.")
        await driver.until(lambda: "words" not in driver.text())
        assert not driver.main.controller.conversations


@pytest.mark.parametrize(
    ("role", "offered"),
    [
        ("owner", ("Archive it", "Leave it", "Delete it")),
        ("admin", ("Archive it", "Leave it")),
        ("viewer", ("Leave it",)),
    ],
)
async def test_only_what_the_role_allows_is_offered(role: str, offered: tuple[str, ...]) -> None:
    """The list of archived conversations is always there."""
    async with fake_chat_server(_conversation(role)) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("f9")
        await driver.until("Show the archived conversations")
        everything = ("Archive it", "Leave it", "Delete it")
        assert tuple(label for label in everything if label in driver.text()) == offered
