"""The dialog of a conversation's settings."""

import msgspec
import pytest
from msgspec import structs
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation
from tests.tui.app_driver import in_conversation
from textual.widgets import Input, Select, TextArea

from rustygpt_shared.models.assistant import ModelInfo


async def test_only_changed_settings_are_sent() -> None:
    """Prompt, model and mode are sent, the unchanged title is not; the prompt is fetched first."""
    conversation = FakeConversation()
    conversation.info = structs.replace(conversation.info, model="old")
    conversation.system_prompt = "Be kind."
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("s")
        await driver.until("Conversation settings")
        dialog = driver.app.screen
        dialog.query_one("#mode", Select).value = "off"
        assert "old (not available)" in driver.text()
        dialog.query_one("#model").focus()
        await driver.pilot.press("enter")
        await driver.until("The server's default (small)")
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.app.screen is dialog)
        await driver.until("The server's default (small)")
        assert dialog.query_one("#prompt", TextArea).text == "Be kind."
        dialog.query_one("#prompt", TextArea).text = "Be brief.\n"
        dialog.query_one("#submit").focus()
        await driver.pilot.press("enter")
        await driver.until(lambda: conversation.system_prompt == "Be brief.")
        request = next(r for r in chat.http.requests if r.method == "PATCH")
        assert msgspec.json.decode(request.body) == {
            "assistant_mode": "off",
            "model": None,
            "system_prompt": "Be brief.",
        }


async def test_an_invalid_title_is_reported_and_the_fields_are_kept() -> None:
    """An empty title is not sent, and the dialog stays open; a model is typed if none is listed."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        chat.models_fail = True
        await driver.pilot.press("s")
        await driver.until("Conversation settings")
        await driver.until("Type the name of a model: The models are away.")
        driver.app.screen.query_one("#model", Input).value = "qwen3"
        driver.app.screen.query_one("#title", Input).value = " "
        await driver.pilot.press("enter")
        await driver.until("A title needs at least one visible character.")
        assert "qwen3" in driver.text()
        assert chat.http.request_count("PATCH", f"/api/conversations/{CONVERSATION_ID}") == 0


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_a_model_of_hundreds_is_chosen_by_a_part_of_its_name(size: tuple[int, int]) -> None:
    """The current one is highlighted first; the choice is sent as the model."""
    conversation = FakeConversation()
    conversation.info = structs.replace(conversation.info, model="model-120")
    async with fake_chat_server(conversation) as chat, in_conversation(chat, size) as driver:
        chat.models += [ModelInfo(f"model-{n}", "cloud", 32_768, False) for n in range(300)]
        await driver.pilot.press("s")
        await driver.until("model-120")
        driver.app.screen.query_one("#model").focus()
        await driver.pilot.press("enter")
        await driver.until("model-120  cloud · 32k")
        await driver.pilot.press(*"273")
        await driver.until("model-273  cloud · 32k")
        assert "model-120  cloud" not in driver.text()
        await driver.pilot.press("enter")
        await driver.until(lambda: "model-273" in driver.text() and "cloud" not in driver.text())
        driver.app.screen.query_one("#submit").focus()
        await driver.pilot.press("enter")
        await driver.until(lambda: conversation.info.model == "model-273")


async def test_a_long_system_prompt_is_edited_in_a_small_terminal() -> None:
    """It scrolls within its field, and its end can be changed; lines stay lines."""
    conversation = FakeConversation()
    conversation.system_prompt = "\n".join(f"rule {number}" for number in range(200))
    async with fake_chat_server(conversation) as chat, in_conversation(chat, (60, 20)) as driver:
        await driver.pilot.press("s")
        await driver.until("Conversation settings")
        prompt = driver.app.screen.query_one("#prompt", TextArea)
        prompt.focus()
        await driver.until("rule 0")
        prompt.move_cursor(prompt.document.end)
        await driver.pilot.press("enter", *"last")
        await driver.until("rule 199")
        await driver.until("last")
        await driver.pilot.press("tab")
        await driver.until("Save")
        await driver.pilot.press("enter")
        await driver.until(lambda: str(conversation.system_prompt).endswith("rule 199\nlast"))


async def test_members_may_not_change_settings() -> None:
    """A member gets a notice instead of the dialog."""
    conversation = FakeConversation()
    conversation.people[ME] = structs.replace(conversation.people[ME], role="member")
    async with fake_chat_server(conversation) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("s")
        await driver.until("Only the owner")
        await driver.pilot.press("f3")
        assert driver.main.is_current
