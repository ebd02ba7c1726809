"""The dialogs that export and import conversations."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse, problem
from tests.tui.app_driver import AppDriver, in_conversation
from textual.widgets import Input, Select

from rustygpt_shared.models.exports import ImportedConversation, ImportResult, LeftOut
from rustygpt_tui.screens.main import MainScreen

EXPORT = f"/api/conversations/{CONVERSATION_ID}/export"
IMPORT = "/api/conversations/import"
RESULT = ImportResult(
    "chatgpt",
    [ImportedConversation(CONVERSATION_ID, "Tea", 1, 5)],
    5,
    [LeftOut("images", 2)],
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of the program."""
    current = tmp_path / "current"
    current.mkdir()
    monkeypatch.chdir(current)
    return current


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _open(driver: AppDriver, command: str, heading: str) -> None:
    await driver.pilot.press("ctrl+p")
    await driver.until(lambda: driver.app.screen.query("Input"))
    driver.app.screen.query_one("Input", Input).value = command
    await driver.until(command)
    await driver.pilot.press("enter")
    await driver.until(heading)


async def _open_export(driver: AppDriver) -> None:
    await _open(driver, "Export this conversation", "JSON Lines, to import it again")


def _serve_export(chat: FakeChatServer, *contents: bytes) -> None:
    responses = [FakeResponse(stream=_chunks(content)) for content in contents]
    chat.http.on("GET", EXPORT, *responses)


async def test_a_conversation_is_exported_to_the_current_folder(folder: Path) -> None:
    """The name follows the title and the format; an existing file is replaced when confirmed."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        _serve_export(chat, b"first", b"second", b"third")
        await _open_export(driver)
        driver.app.screen.query_one("#format", Select).value = "markdown"
        await driver.until(".md")
        name = Path(driver.app.screen.query_one("#path", Input).value).name
        driver.app.screen.query_one("#submit").press()  # type: ignore[attr-defined]
        await driver.until((folder / name).exists)
        await driver.until("Exported to")
        assert (folder / name).read_bytes() == b"first"
        request = next(r for r in chat.http.requests if r.path == EXPORT)
        assert request.query == {"format": "markdown"}

        await _open_export(driver)
        driver.app.screen.query_one("#path", Input).value = name
        driver.app.screen.query_one("#submit").press()  # type: ignore[attr-defined]
        await driver.until("Replace this file?")
        await driver.pilot.press("escape")
        await driver.until("Choose another name")
        assert (folder / name).read_bytes() == b"first"
        driver.app.screen.query_one("#submit").press()  # type: ignore[attr-defined]
        await driver.until("Replace this file?")
        await driver.pilot.press("enter")
        await driver.until(lambda: (folder / name).read_bytes() == b"second")


async def test_an_export_that_is_cancelled_leaves_no_file(folder: Path) -> None:
    """Escape closes the dialog while it shows how far it is."""
    goes_on = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield b"x" * 1_500_000
        await goes_on.wait()

    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        chat.http.on("GET", EXPORT, FakeResponse(stream=endless()))
        await _open_export(driver)
        await driver.focus("#path")
        await driver.pilot.press("enter")
        await driver.until("Exporting: ")
        await driver.until(lambda: list(folder.iterdir()))
        await driver.pilot.press("escape")
        await driver.until(lambda: isinstance(driver.app.screen, MainScreen))
        await driver.until(lambda: not list(folder.iterdir()))
        goes_on.set()


async def test_a_file_is_imported(folder: Path) -> None:
    """What it had is said, and the first conversation opens."""
    (folder / "conversations.json").write_bytes(b"[]")
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        chat.http.on("POST", IMPORT, FakeResponse(201, RESULT))
        await _open(driver, "Import conversations", "exported by RustyGPT")
        await driver.fill("#path", "conversations.json")
        await driver.pilot.press("enter")
        await driver.until("Imported 1 conversation")
        await driver.until(lambda: driver.main.thread_pane.composer.has_focus)
        request = next(r for r in chat.http.requests if r.path == IMPORT)
        assert request.body == b"[]"
        assert request.headers["idempotency-key"]


async def test_a_refused_file_is_reported() -> None:
    """The path stays, to be corrected; a file that is missing is not sent."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        chat.http.on("POST", IMPORT, problem(422, "RGP.VALIDATION", "Line 3: it is not valid."))
        await _open(driver, "Import conversations", "exported by RustyGPT")
        await driver.fill("#path", "missing.json")
        await driver.pilot.press("enter")
        await driver.until("cannot be read")
        Path("bad.json").write_bytes(b"x")
        await driver.fill("#path", "bad.json")
        await driver.pilot.press("enter")
        await driver.until("Line 3: it is not valid.")
        assert driver.app.screen.query_one("#path", Input).value == "bad.json"
        assert chat.http.request_count("POST", IMPORT) == 1
