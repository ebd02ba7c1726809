"""The dialog in which the password is changed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from tests.support.fakes.fake_chat_server import FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse, problem
from tests.support.sample_models import LOGGED_IN, cookies
from tests.tui.app_driver import AppDriver, in_conversation

from rustygpt_tui.screens.password import PasswordDialog

PATH = "/api/auth/password"


@asynccontextmanager
async def _dialog() -> AsyncIterator[tuple[FakeChatServer, AppDriver]]:
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+p", *"change your p")
        await driver.until("Your other sessions end then")
        await driver.pilot.press("enter")
        await driver.until("New password again")
        yield chat, driver


async def test_the_password_is_changed_and_said_so() -> None:
    """What is typed is not shown."""
    async with _dialog() as (chat, driver):
        chat.http.on("POST", PATH, FakeResponse(body=LOGGED_IN, headers=cookies(2)))
        await driver.pilot.press(*"old-secret", "tab", *"new-secret", "tab", *"new-secret")
        await driver.until("••••••••••")
        assert "secret" not in driver.text()
        await driver.pilot.press("enter")
        await driver.until("Your password is changed")
        assert driver.app.screen is driver.main
        [sent] = [request for request in chat.http.requests if request.path == PATH]
        assert msgspec.json.decode(sent.body) == {
            "current_password": "old-secret",
            "new_password": "new-secret",
        }


async def test_a_refused_password_keeps_the_fields_and_is_tried_once() -> None:
    """Too short, typed in two ways, or the current one is wrong: each is a sentence."""
    async with _dialog() as (chat, driver):
        sentence = "The current password is wrong."
        refusal = problem(401, "RGP.AUTH.INVALID_CREDENTIALS", sentence, WWW_Authenticate="session")
        chat.http.on("POST", PATH, refusal)
        await driver.pilot.press(*"old", "tab", *"short", "enter")
        await driver.until("8 to 1,024 characters")
        await driver.pilot.press(*"-but-longer", "tab", *"other", "enter")
        await driver.until("The new passwords differ")
        assert chat.http.request_count("POST", PATH) == 0
        await driver.pilot.press("ctrl+u", *"short-but-longer", "enter")
        await driver.until(sentence)
        assert chat.http.request_count("POST", PATH) == 1
        assert chat.http.request_count("POST", "/api/auth/refresh") == 0


async def test_a_request_under_way_is_not_abandoned() -> None:
    """Escape waits for the response, whose cookies are the only ones that are valid then."""
    async with _dialog() as (chat, driver):
        wrong = problem(401, "RGP.AUTH.INVALID_CREDENTIALS", "The current password is wrong.")
        respond = asyncio.Event()
        changed = FakeResponse(body=LOGGED_IN, headers=cookies(2), after=respond)
        chat.http.on("POST", PATH, wrong, changed)
        await driver.pilot.press(*"old-secret", "tab", *"new-secret", "tab", *"new-secret", "enter")
        await driver.until("The current password is wrong.")
        await driver.pilot.press("enter")
        await driver.until("Change …")
        assert "The current password is wrong." not in driver.text()
        await driver.pilot.press("escape")
        await driver.until(lambda: chat.http.request_count("POST", PATH) == 2)
        assert isinstance(driver.app.screen, PasswordDialog)
        respond.set()
        await driver.until("Your password is changed")
        assert driver.main.controller.client.session.header() != ""
