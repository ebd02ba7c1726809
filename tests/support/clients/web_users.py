"""Users of the web page."""

from dataclasses import dataclass

from playwright.async_api import Page, expect
from tests.support.password import PASSWORD

from rustygpt_shared.requests import CreateConversation
from rustygpt_tui.client.http import Client


@dataclass
class WebServer:
    """A server that Ada has set up, with an account for Bob."""

    origin: str
    ada: Client
    bob: Client


async def create_group(web_server: WebServer, title: str) -> str:
    """Create a group of Ada and Bob without the assistant; return its id."""
    request = CreateConversation(title, is_group=True, assistant_mode="off")
    conversation_id = await web_server.ada.create_conversation(request)
    await web_server.ada.add_participant(conversation_id, (await web_server.bob.me()).user.id)
    return str(conversation_id)


async def read_everything(client: Client) -> None:
    """Mark all messages as read: the page title counts those of other tests too."""
    for conversation in (await client.list_conversations()).conversations:
        for thread in (await client.list_unread(conversation.id)).threads:
            await client.mark_read(thread.root_id)


async def sign_in(web_server: WebServer, page: Page, address: str = "", as_: str = "ada") -> None:
    """Sign a user in at an address within the page."""
    await page.goto(f"{web_server.origin}/{address}")
    await page.get_by_label("User name or e-mail address").fill(as_)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("#who")).to_have_text(as_)
