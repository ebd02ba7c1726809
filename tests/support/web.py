"""People on the web page."""

from dataclasses import dataclass

from playwright.async_api import Page, expect

from rustygpt_shared.requests import CreateConversation
from rustygpt_tui.client.http import Client

PASSWORD = "password-1"


@dataclass
class House:
    """A server that Ada has set up, with an account for Bob."""

    origin: str
    ada: Client
    bob: Client


async def room(house: House, title: str) -> str:
    """A group of Ada's and Bob's without the assistant; answers its id."""
    request = CreateConversation(title, is_group=True, assistant_mode="off")
    found = await house.ada.create_conversation(request)
    await house.ada.add_participant(found, (await house.bob.me()).user.id)
    return str(found)


async def read_everything(client: Client) -> None:
    """Leave nothing unread: the title counts all conversations, those of other tests too."""
    for found in (await client.list_conversations()).conversations:
        for thread in (await client.unread(found.id)).threads:
            await client.mark_read(thread.root_id)


async def signed_in(house: House, page: Page, address: str = "", as_: str = "ada") -> None:
    """Sign somebody in, at an address within the page."""
    await page.goto(f"{house.origin}/{address}")
    await page.get_by_label("User name or e-mail address").fill(as_)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator("#who")).to_have_text(as_)
