"""The assistant on the page: reasoning, models, settings, other answers, and attached files."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect
from tests.support.clients.web_users import WebServer, sign_in
from tests.support.database import databases
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
    finished,
)
from tests.web.servers import signed_in_users, web_server_process

from rustygpt_shared.requests import CreateConversation

pytestmark = pytest.mark.xdist_group("live")

HOSTILE = "<img src=x onerror=alert(1)> **not bold** "


@dataclass
class Assistant:
    """A server with two models, whose responses each test sets."""

    web_server: WebServer
    model: FakeModelServer

    def respond(self, *scripts: ScriptedAnswer) -> None:
        """Send these responses from now on."""
        self.model.requests.clear()
        self.model.scripts = list(scripts)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def assistant(
    cluster_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Assistant]:
    """One server for the tests of this module."""
    database_url = await databases.create(cluster_url)
    async with fake_model_server(answer("fine")) as model:
        model.models = ["first", "second"]
        server = web_server_process(
            tmp_path_factory.mktemp("server"),
            database_url,
            OPENAI_BASE_URL=model.url,
            OPENAI_API_KEY="key",
            RUSTYGPT__AUTH__SESSION__MAX_SESSIONS_PER_USER="100",
        )
        await server.start()
        try:
            async with signed_in_users(server.url) as web_server:
                yield Assistant(web_server, model)
        finally:
            await server.stop()
            await databases.drop(cluster_url, database_url)


async def _open(assistant: Assistant, page: Page) -> None:
    """Open a new thread of a new conversation."""
    ada = assistant.web_server.ada
    conversation_id = await ada.create_conversation(CreateConversation("Models"))
    await sign_in(assistant.web_server, page, f"#/c/{conversation_id}/new")
    await expect(page.get_by_label("Message", exact=True)).to_be_focused()


async def _ask(page: Page, text: str = "Well?") -> None:
    await page.get_by_label("Message", exact=True).fill(text)
    await page.keyboard.press("Enter")


def _thinking(text: str) -> bytes:
    choice = {"index": 0, "delta": {"reasoning": text}, "finish_reason": None}
    return f"data: {json.dumps({'choices': [choice]})}\n\n".encode()


def _answers(page: Page) -> Locator:
    return page.locator(".message.assistant")


async def test_reasoning_is_folded_and_plain(assistant: Assistant, page: Page) -> None:
    """It can be opened while it is written and afterwards; what is in it is never markup."""
    more, end = asyncio.Event(), asyncio.Event()
    parts = [_thinking(HOSTILE), more, _thinking("and more"), chunk("Done."), end, finished()]
    assistant.respond(ScriptedAnswer(parts))
    await _open(assistant, page)
    await _ask(page)
    summary = page.locator(".reasoning summary")
    await expect(summary).to_have_text("Thinking, 5 words")
    await expect(page.locator(".message.assistant .note")).to_contain_text("thinking …")
    await expect(page.get_by_text("not bold")).to_have_count(0)
    await summary.click()
    await expect(page.locator(".reasoning .raw")).to_have_text(HOSTILE.strip())
    more.set()
    await expect(page.locator(".reasoning .raw")).to_contain_text("and more")
    await expect(summary).to_have_text("Reasoning, 7 words")
    end.set()
    await expect(page.locator(".text.streaming")).to_have_count(0)
    await expect(page.locator(".reasoning .raw")).to_contain_text("and more")
    assert await page.locator(".reasoning img, .reasoning strong").count() == 0
    await page.reload()
    await expect(summary).to_have_text("Reasoning, 7 words")


async def test_a_failed_answer_is_asked_for_again_and_compared(
    assistant: Assistant, page: Page
) -> None:
    """A button asks again; the answers then say which they are, and can be read side by side."""
    assistant.respond(
        ScriptedAnswer([chunk("Half")]), answer("A **whole** answer"), answer("A third one")
    )
    await _open(assistant, page)
    await _ask(page)
    await expect(page.locator(".failure")).to_contain_text("too early")
    await page.get_by_role("button", name="Ask again: Half").click()
    await expect(_answers(page).nth(1)).to_contain_text("A whole answer")
    await page.get_by_role("button", name="2 of 2 answers: compare them").click()
    dialog = page.get_by_role("dialog", name="2 answers")
    await expect(dialog.locator("section")).to_have_count(2)
    await expect(dialog.locator("section").first).to_contain_text("failed")
    await expect(dialog.locator("section .failure").first).to_contain_text("too early")
    await expect(dialog.locator("section .failure").nth(1)).to_be_hidden()
    await expect(dialog.locator("section").nth(1).locator("strong")).to_have_text("whole")
    await dialog.get_by_role("link", name="Show in the thread").first.click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator(".message.linked")).to_contain_text("Half")


async def test_an_answer_that_failed_is_not_said_to_be_in_progress(
    assistant: Assistant, page: Page
) -> None:
    """The line above the composer says that the answer has no text."""
    end = asyncio.Event()
    assistant.respond(ScriptedAnswer([end]), ScriptedAnswer([b"{}"], status=400))
    await _open(assistant, page)
    await _ask(page)
    await expect(_answers(page)).to_have_count(1)
    end.set()
    await page.get_by_role("button", name="Ask again").click()
    await expect(page.locator(".failure")).to_have_count(2)
    await expect(page.locator("#target")).to_contain_text("(no text)")


async def test_another_answer_may_be_by_another_model(assistant: Assistant, page: Page) -> None:
    """The menu of an answer asks which."""
    assistant.respond(answer("One"), answer("Two"))
    await _open(assistant, page)
    await _ask(page)
    await expect(_answers(page)).to_contain_text("One")
    await page.get_by_role("button", name="More for assistant: One").click()
    await page.get_by_role("menuitem", name="Another answer by …").click()
    await page.get_by_label("Model", exact=True).select_option("second")
    await page.get_by_role("button", name="Answer", exact=True).click()
    await expect(_answers(page).nth(1)).to_contain_text("Two")
    assert [request.body["model"] for request in assistant.model.requests] == ["first", "second"]


async def test_settings_choose_model_and_system_prompt(assistant: Assistant, page: Page) -> None:
    """The next answer gets both; the dialog shows them again."""
    assistant.respond(answer("Yes"))
    await _open(assistant, page)
    await page.get_by_role("button", name="More for the conversation").click()
    await page.get_by_role("menuitem", name="Settings").click()
    dialog = page.get_by_role("dialog", name="Settings of the conversation")
    await dialog.get_by_label("Model", exact=True).select_option("second")
    await dialog.get_by_label("System prompt").fill("Be\nbrief.")
    await dialog.get_by_label("Title").fill("Renamed")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_be_hidden()
    await expect(page.locator("#conversation-title")).to_have_text("Renamed")
    await _ask(page)
    await expect(_answers(page)).to_contain_text("Yes")
    body = assistant.model.requests[0].body
    assert body["model"] == "second"
    assert body["messages"][0] == {"role": "system", "content": "Be\nbrief."}
    await page.get_by_role("button", name="More for the conversation").click()
    await page.get_by_role("menuitem", name="Settings").click()
    await expect(dialog.get_by_label("System prompt")).to_have_value("Be\nbrief.")
    await dialog.get_by_label("Model", exact=True).select_option("")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog).to_be_hidden()
    listed = (await assistant.web_server.ada.list_conversations()).conversations
    assert next(one for one in listed if one.title == "Renamed").model is None


async def test_a_model_is_chosen_for_one_message(assistant: Assistant, page: Page) -> None:
    """The message after it goes to the usual model."""
    assistant.respond(answer("One"), answer("Two"))
    await _open(assistant, page)
    choice = page.get_by_label("Model of the next message")
    await choice.select_option("second")
    await _ask(page)
    await expect(_answers(page)).to_contain_text("One")
    await expect(choice).to_have_value("")
    await _ask(page, "And?")
    await expect(_answers(page).nth(1)).to_contain_text("Two")
    assert [request.body["model"] for request in assistant.model.requests] == ["second", "first"]


async def test_text_files_are_attached(assistant: Assistant, page: Page, tmp_path: Path) -> None:
    """As code blocks with their names; they stay with the draft, and can be removed."""
    assistant.respond(answer("Read"))
    (tmp_path / "notes.md").write_text("# Notes\n```\ncode\n```\n")
    (tmp_path / "other.txt").write_text("other")
    await _open(assistant, page)
    files = [tmp_path / "notes.md", tmp_path / "other.txt"]
    await page.get_by_label("Files to attach").set_input_files(files)
    chips = page.locator(".chip")
    await expect(chips).to_have_count(2)
    await expect(chips.first).to_contain_text("notes.md, 20 characters")
    await page.get_by_role("button", name="Remove other.txt").click()
    await page.reload()
    await expect(chips).to_have_count(1)
    await _ask(page, "Look:")
    await expect(_answers(page)).to_contain_text("Read")
    await expect(chips).to_have_count(0)
    sent = assistant.model.requests[0].body["messages"][-1]["content"]
    assert sent == "Look:\n\nnotes.md:\n````\n# Notes\n```\ncode\n```\n````"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x7fELF\x00\x00", "is not a text file"),
        (b"\xff\xfe\x00", "is not a text file"),
        (b"x" * 70_000, "does not fit"),
        (b"x" * 2_000_000, "is too large"),
        (b" \n", "is empty"),
    ],
    ids=["binary", "another encoding", "too long", "too large", "empty"],
)
async def test_other_files_are_refused(
    assistant: Assistant, page: Page, tmp_path: Path, content: bytes, words: str
) -> None:
    """With a sentence that names the file; the text stays."""
    (tmp_path / "file.bin").write_bytes(content)
    await _open(assistant, page)
    await page.get_by_label("Message", exact=True).fill("kept")
    await page.get_by_label("Files to attach").set_input_files(tmp_path / "file.bin")
    await expect(page.locator("#composer-error")).to_contain_text(f"file.bin {words}")
    await expect(page.locator(".chip")).to_have_count(0)
    await expect(page.get_by_label("Message", exact=True)).to_have_value("kept")


async def test_each_file_that_is_refused_is_named(
    assistant: Assistant, page: Page, tmp_path: Path
) -> None:
    """Those that are text are attached; of many refused ones the first three are named."""
    paths = [tmp_path / f"{number}.bin" for number in range(5)]
    for path in paths:
        path.write_bytes(b"\0")
    (tmp_path / "good.txt").write_text("text")
    await _open(assistant, page)
    await page.get_by_label("Files to attach").set_input_files([*paths, tmp_path / "good.txt"])
    await expect(page.locator(".chip")).to_contain_text("good.txt")
    problem = page.locator("#composer-error")
    await expect(problem).to_contain_text("0.bin is not a text file")
    await expect(problem).to_contain_text("2.bin is not a text file")
    await expect(problem).to_contain_text("2 more files are not attached.")


async def test_a_long_paste_may_become_a_file(assistant: Assistant, page: Page) -> None:
    """It is pasted as usual; a button attaches it instead, and undo brings it back."""
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await _open(assistant, page)
    field = page.get_by_label("Message", exact=True)
    await field.fill("See: ")
    offer = page.get_by_role("button", name="Attach the long pasted text")
    for text, count in (("short", 0), ("line\n" * 30, 1)):
        await field.press("End")
        await page.evaluate("(text) => navigator.clipboard.writeText(text)", text)
        await page.keyboard.press("Control+v")
        await expect(field).to_have_value(f"See: {text}" if not count else f"See: short{text}")
        await expect(offer).to_have_count(count)
    await offer.click()
    await expect(field).to_have_value("See: short")
    await expect(page.locator(".chip")).to_contain_text("pasted.txt, 149 characters")
    await expect(offer).to_be_hidden()
    await page.keyboard.press("Control+z")
    await expect(field).to_have_value("See: short" + "line\n" * 30)
    await field.fill("")
    await page.evaluate("(text) => navigator.clipboard.writeText(text)", "line\n" * 20)
    await page.keyboard.press("Control+v")
    await expect(field).to_have_value("line\n" * 20)
    await expect(offer).to_be_hidden()
