"""Exporting and importing on the page."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from playwright.async_api import Page, expect
from tests.support.clients.web_users import WebServer, create_group, sign_in

from rustygpt_shared.requests import PostMessage

pytestmark = pytest.mark.xdist_group("live")

FOLDER = Path(__file__).parents[1] / "data" / "imports"


async def test_a_conversation_is_downloaded_and_imported_again(
    web_server: WebServer, page: Page, tmp_path: Path
) -> None:
    """By menus at its title and of the account; a bad file is refused in the dialog."""
    conversation_id = UUID(await create_group(web_server, "To take along"))
    root = await web_server.bob.post_root(conversation_id, PostMessage("Take me along"))
    await sign_in(web_server, page, f"#/c/{conversation_id}/t/{root.root_id}")
    await page.get_by_role("button", name="More for the conversation").click()
    await page.get_by_role("menuitem", name="Export", exact=True).click()
    async with page.expect_download() as downloading:
        await page.get_by_role("link", name="JSON Lines, to import it again").click()
    download = await downloading.value
    file = tmp_path / download.suggested_filename
    await download.save_as(file)
    lines = [json.loads(line) for line in file.read_text().splitlines()]

    assert file.name.startswith("to-take-along-")
    assert [line["type"] for line in lines] == ["header", "message", "footer"]
    await page.get_by_role("button", name="Close", exact=True).click()

    await page.get_by_role("button", name="More for your account").click()
    await page.get_by_role("menuitem", name="Import conversations").click()
    await page.get_by_label("File", exact=True).set_input_files(FOLDER / "rustygpt_bad_line.jsonl")
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(page.locator("#dialog .error")).to_contain_text("Line 3: it is not valid JSON")
    await page.get_by_label("File", exact=True).set_input_files(FOLDER / "chatgpt_images.json")
    await page.get_by_role("button", name="Import", exact=True).click()
    await expect(page.locator("#dialog")).to_contain_text(
        "Imported 1 conversation with 5 messages. "
        "Left out or changed: attachments (1), audio recordings (1), images (2)."
    )
    await page.locator("#dialog").get_by_role("link", name="Picture").click()
    await expect(page.locator("#conversation-title")).to_have_text("Picture")
    await expect(page.locator("#conversations")).to_contain_text("Picture")
