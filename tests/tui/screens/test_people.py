"""The dialog of participants."""

from uuid import UUID

import msgspec
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, FakeConversation
from tests.tui.app_driver import in_conversation

from rustygpt_tui.screens.people import PeopleDialog


async def test_a_person_is_found_and_added() -> None:
    """Typing a name lists people, and enter adds the first; names are no markup."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("p")
        await driver.until("me (you)  owner")
        driver.app.screen.query_one("#search").focus()
        await driver.pilot.press("z")
        await driver.until("Zoe [b] (zoe)")
        await driver.pilot.press("enter")
        await driver.until(lambda: UUID(int=55) in chat.conversation.people)
        await driver.until("p55")


async def test_the_open_dialog_follows_what_others_do() -> None:
    """Who joins, gets another role or leaves changes the list at once."""
    person = UUID(int=55)
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("p")
        await driver.until("me (you)  owner")
        chat.conversation.add(person, "viewer")
        await driver.until("p55  viewer")
        chat.conversation.add(person, "admin")
        await driver.until("p55  admin")
        chat.conversation.remove(person)
        await driver.until(lambda: "p55" not in driver.text())


async def test_an_administrator_creates_an_account() -> None:
    """Without a result, an account is created, its password is shown, and its user is added."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("p")
        await driver.until("me (you)  owner")
        driver.app.screen.query_one("#search").focus()
        await driver.pilot.press(*"bo")
        await driver.until("Create an account for “bo”")
        await driver.pilot.press("enter")
        await driver.until("A new account")
        await driver.pilot.press(*"bo", "enter")
        await driver.until("This is not an e-mail address.")
        await driver.pilot.press(*"@x.org", "enter")
        await driver.until("bo can sign in")
        request = next(r for r in chat.http.requests if r.path == "/api/admin/users")
        password = msgspec.json.decode(request.body)["password"]
        assert password in driver.text()
        assert chat.origin in driver.text()
        await driver.pilot.press("tab", "enter")
        await driver.until(lambda: UUID(int=66) in chat.conversation.people)


async def test_other_users_cannot_create_accounts() -> None:
    """Without a result a notice is shown; a participant cannot be added again."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        assert driver.main.controller.session is not None
        driver.app.push_screen(
            PeopleDialog(driver.main.controller.client, driver.main.controller.session)
        )
        await driver.until("me (you)  owner")
        driver.app.screen.query_one("#search").focus()
        await driver.pilot.press(*"bo")
        await driver.until("Nobody is called “bo”.")
        await driver.pilot.press("backspace", "backspace", "m")
        await driver.until("me  is already a participant")
        await driver.pilot.press("enter")
        assert not chat.http.request_count(
            "POST", f"/api/conversations/{CONVERSATION_ID}/participants"
        )
