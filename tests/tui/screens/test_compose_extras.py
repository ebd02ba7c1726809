"""Files, long pastes and another model for the next message in the terminal."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import ME, FakeConversation
from tests.tui.app_driver import AppDriver, in_conversation
from textual import events
from textual.widgets import Input

from rustygpt_shared.codec import decode
from rustygpt_shared.models.assistant import ModelInfo
from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.screens.attach import AttachDialog
from rustygpt_tui.screens.model_picker import ModelDialog

SIZES = [(120, 40), (80, 24), (60, 20)]


def _conversation() -> FakeConversation:
    conversation = FakeConversation()
    conversation.finish(
        conversation.post(conversation.post(text="root", author=ME), role="assistant")
    )
    return conversation


def _posted(chat: FakeChatServer) -> list[dict[str, Any]]:
    return [
        decode(r.body, dict) for r in chat.http.requests if r.path.endswith(("/reply", "/root"))
    ]


async def _paste(driver: AppDriver, text: str) -> None:
    driver.app.post_message(events.Paste(text))
    await driver.pilot.pause()


async def _attach(driver: AppDriver, path: Path) -> None:
    await driver.press("ctrl+r")
    await driver.until(lambda: isinstance(driver.app.screen, AttachDialog))
    await driver.fill("#path", str(path))
    await driver.press("enter")


@pytest.mark.parametrize("size", SIZES)
async def test_a_file_is_attached_shown_and_sent(tmp_path: Path, size: tuple[int, int]) -> None:
    """A line above the text says so, and how much is left; it is sent below the text."""
    file = tmp_path / "notes.md"
    file.write_text("# Title\n" + "x" * 1_000)
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat, size) as driver:
        chat.auto_answer = False
        await driver.press("i")
        await driver.write("See this")
        await _attach(driver, file)
        await driver.until("+ notes.md 1,008 characters")
        assert "64,4" in driver.text()
        assert "# Title" not in driver.text()
        await driver.press("enter")
        await driver.until(lambda: len(_posted(chat)) == 1)
        content = f"See this\n\nnotes.md:\n```markdown\n{file.read_text()}\n```"
        assert _posted(chat) == [{"content": content}]
        await driver.until(lambda: "+ notes.md" not in driver.text())
        await _paste(driver, "z" * 2_001)
        await driver.until("2,001 characters pasted")
        await driver.press("enter")
        await driver.until(lambda: "characters pasted" not in driver.text())


async def test_attachments_survive_with_the_draft_and_can_be_removed(tmp_path: Path) -> None:
    """Also without a text; a message of attachments alone can be sent."""
    for name in ("a.py", "b.txt"):
        (tmp_path / name).write_text(f"in {name}")
    async with fake_chat_server(_conversation()) as chat:
        async with in_conversation(chat) as driver:
            await driver.press("i")
            for name in ("a.py", "b.txt", "a.py"):
                await _attach(driver, tmp_path / name)
                await driver.until(lambda: driver.app.screen is driver.app.screen_stack[-1])
                await driver.until(lambda: driver.main.thread_pane.composer.has_focus)
            await driver.until("+ a-2.py")
        async with in_conversation(chat) as driver:
            await driver.until("+ a-2.py")
            await driver.press("i", "ctrl+l")
            await driver.until("Remove which attachment?")
            await driver.press("enter")
            await driver.until(lambda: "+ a.py" not in driver.text())
            await driver.press("ctrl+l", "down", "enter")
            await driver.until(lambda: "+ a-2.py" not in driver.text())
            await driver.press("enter")
            await driver.until(lambda: len(_posted(chat)) == 1)
            assert _posted(chat)[0]["content"] == "b.txt:\n```\nin b.txt\n```"
            await driver.press("ctrl+l")
            await driver.until("Nothing is attached.")


async def test_a_file_that_cannot_be_attached_is_refused_in_the_dialog(tmp_path: Path) -> None:
    """With the reason; the path is kept, and Tab completes names."""
    (tmp_path / "a folder").mkdir()
    (tmp_path / "a folder" / "image.png").write_bytes(b"\xff\xd8")
    (tmp_path / "a folder" / "large.txt").write_text("x" * (MESSAGE_MAX - 5))
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        await driver.press("i")
        await _attach(driver, tmp_path / "missing")
        await driver.until("no such file")
        await driver.fill("#path", f"{tmp_path}/a")
        driver.app.screen.query_one("#path", Input).cursor_position = 400
        await driver.press("tab")
        field = driver.app.screen.query_one("#path", Input)
        await driver.until(lambda: field.value == f"{tmp_path}/a folder/")
        await driver.press("enter")
        await driver.until("it is a folder")
        await driver.press("i", "tab", "enter")
        await driver.until("it is not text in UTF-8")
        await driver.fill("#path", f"{tmp_path}/a folder/large.txt")
        await driver.press("enter")
        await driver.until("characters, 14 more than")


async def test_a_long_paste_can_become_an_attachment() -> None:
    """It is inserted as usual; the key moves it, and undo brings it back."""
    text = "\n".join(f"line {number}" for number in range(21))
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        await driver.press("i")
        composer = driver.main.thread_pane.composer
        await driver.write("before after")
        composer.move_cursor((0, 7))
        await _paste(driver, text)
        await driver.until("21 lines pasted · ^r attaches them instead")
        assert composer.text == f"before {text}after"
        await driver.press("ctrl+r")
        await driver.until("+ pasted.txt 157 characters")
        assert composer.text == "before after"
        assert "21 lines pasted" not in driver.text()
        await driver.press("ctrl+z")
        assert composer.text == f"before {text}after"
        for shorter in ("short", "line\n" * 20):
            await _paste(driver, shorter)
        await driver.pilot.pause()
        assert "pasted ·" not in driver.text()
        await _paste(driver, "y" * 2_001)
        await driver.until("2,001 characters pasted")
        await driver.press("x")
        await driver.until(lambda: "2,001 characters pasted" not in driver.text())


async def test_a_dropped_file_is_offered_and_never_attached_by_itself(tmp_path: Path) -> None:
    """A terminal pastes its path; the path stays unless the key is pressed."""
    file = tmp_path / "my notes.md"
    file.write_text("the notes")
    async with (
        fake_chat_server(_conversation()) as chat,
        in_conversation(chat, (120, 40)) as driver,
    ):
        await driver.press("i")
        composer = driver.main.thread_pane.composer
        await _paste(driver, f"'{file}' ")
        await driver.until("^r attaches my notes.md instead of its path")
        assert composer.text == f"'{file}' "
        await driver.press("ctrl+r")
        await driver.until("+ my notes.md 9 characters")
        assert composer.text == ""
        file.unlink()
        await _paste(driver, str(file))
        await driver.pilot.pause()
        assert "^r attaches" not in driver.text()


@pytest.mark.parametrize("size", SIZES)
async def test_the_next_message_may_have_a_model_of_its_own(size: tuple[int, int]) -> None:
    """Chosen by typing a part of its name; it is shown, kept with the draft, sent, then gone."""
    conversation = _conversation()
    async with fake_chat_server(conversation) as chat:
        chat.auto_answer = False
        chat.models += [ModelInfo(f"model-{n} [/x]", "cloud", 128_000, False) for n in range(300)]
        async with in_conversation(chat, size) as driver:
            await driver.press("i", "f12")
            await driver.until("As the conversation's")
            assert isinstance(driver.app.screen, ModelDialog)
            await driver.press(*"cl 217")
            await driver.until("model-217 [/x]  cloud · 125k")
            await driver.press("enter")
            await driver.until("model model-217 [/x]")
        async with in_conversation(chat, size) as driver:
            await driver.press("i")
            await driver.until("model model-217 [/x]")
            await driver.write("Hello")
            await driver.press("enter")
            await driver.until(lambda: len(_posted(chat)) == 1)
            assert _posted(chat) == [{"content": "Hello", "model": "model-217 [/x]"}]
            await driver.until(lambda: "model model-217" not in driver.text())


async def test_a_failed_message_keeps_its_model() -> None:
    """The retry sends the same again, with the same key."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        chat.failing_posts = 1
        await driver.press("i", "f12")
        await driver.until("As the conversation's")
        await driver.press("down", "down", "enter")
        await driver.until("model large")
        await driver.write("Hello")
        await driver.press("enter")
        await driver.until("Enter tries again")
        await driver.until("model large")
        await driver.press("enter")
        await driver.until(lambda: len(_posted(chat)) == 2)
        assert _posted(chat)[0] == _posted(chat)[1] == {"content": "Hello", "model": "large"}
        keys = [
            r.headers["idempotency-key"] for r in chat.http.requests if r.path.endswith("/reply")
        ]
        assert keys[0] == keys[1]


async def test_models_that_cannot_be_listed_are_a_sentence() -> None:
    """Nothing else happens."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        chat.models_fail = True
        await driver.press("i", "f12")
        await driver.until("The models are away.")


async def test_another_answer_can_be_of_another_model() -> None:
    """The same one is the first choice."""
    async with fake_chat_server(_conversation()) as chat, in_conversation(chat) as driver:
        driver.main.focus_messages()
        await driver.press("G", "W")
        await driver.until("Answer again with which model?")
        await driver.press(*"lar", "enter")
        await driver.until("2 of 2")
        sent = [decode(r.body, dict) for r in chat.http.requests if r.path.endswith("/regenerate")]
        assert sent == [{"model": "large"}]
