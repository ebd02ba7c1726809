"""The dialogs of personal tokens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
from msgspec import structs
from tests.support.fakes.fake_chat_server import USER, FakeChatServer, fake_chat_server
from tests.support.fakes.fake_conversation import FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse, problem
from tests.support.sample_models import TIME
from tests.tui.app_driver import AppDriver, in_conversation
from textual.widgets import Checkbox

from rustygpt_shared.models.tokens import CreatedToken, PersonalToken, TokenList
from rustygpt_shared.models.users import Me

PATH = "/api/auth/tokens"
HOSTILE = PersonalToken(
    id=UUID(int=1), name="[b]ci\x1b[2J", scopes=["read", "write"], created_at=TIME
)
NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)
BACKUP = PersonalToken(
    id=UUID(int=2),
    name="backup",
    scopes=["read"],
    created_at=TIME,
    expires_at=NEXT_YEAR,
    last_used_at=TIME,
)
NEW = CreatedToken(
    id=UUID(int=3), name="bot", scopes=["read", "v1"], created_at=TIME, token="rgpt_secret"
)


def _listed(*tokens: PersonalToken) -> FakeResponse:
    return FakeResponse(200, TokenList(list(tokens)))


@asynccontextmanager
async def _dialog(*lists: FakeResponse) -> AsyncIterator[tuple[FakeChatServer, AppDriver]]:
    """Open the list; the server responds with each of the lists in turn."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        chat.http.on("GET", PATH, *lists)
        driver.main.account_dialogs.show_tokens()
        await driver.until("Your personal tokens")
        yield chat, driver


async def test_the_palette_leads_to_the_tokens() -> None:
    """Without one, a sentence says what they are for."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        chat.http.on("GET", PATH, _listed())
        await driver.pilot.press("ctrl+p", *"personal")
        await driver.until("Let programs sign in as you")
        await driver.pilot.press("enter")
        await driver.until("With one, a program signs in as you.")
        await driver.pilot.press("escape")
        await driver.until(lambda: driver.app.screen is driver.main)


async def test_a_token_is_revoked_after_a_question() -> None:
    """Cancel changes nothing; names of tokens are no markup and no escape sequences."""
    async with _dialog(_listed(HOSTILE, BACKUP), _listed(BACKUP)) as (chat, driver):
        chat.http.on("DELETE", f"{PATH}/{HOSTILE.id}", FakeResponse(204))
        await driver.until("[b]ci[2J  read, write")
        created = f"created {TIME:%Y-%m-%d}"
        await driver.until(f"{created}, never used, no expiry")
        await driver.until(f"{created}, used {TIME:%Y-%m-%d}, until {NEXT_YEAR:%Y-%m-%d}")
        await driver.pilot.press("enter")
        await driver.until("Revoke this token?")
        await driver.pilot.press("tab", "enter")
        await driver.until(lambda: "Revoke this token?" not in driver.text())
        assert chat.http.request_count("DELETE", f"{PATH}/{HOSTILE.id}") == 0
        await driver.pilot.press("enter")
        await driver.until("programs that use it are signed out.")
        await driver.pilot.press("enter")
        await driver.until(lambda: "[b]ci" not in driver.text())
        assert "backup  read" in driver.text()
        assert chat.http.request_count("DELETE", f"{PATH}/{HOSTILE.id}") == 1


async def test_a_new_token_is_shown_once_and_copied() -> None:
    """Its scopes are those with a mark; the list has it afterwards."""
    async with _dialog(_listed(), _listed(NEW)) as (chat, driver):
        chat.http.on("POST", PATH, FakeResponse(201, NEW))
        await driver.until("None yet.")
        await driver.pilot.press("enter")
        await driver.until("[x] read: ")
        assert "[ ] v1: " in driver.text()
        driver.app.screen.query_one("#v1", Checkbox).focus()
        await driver.pilot.press("enter")
        await driver.until("[x] v1: ")
        driver.app.screen.query_one("#name").focus()
        await driver.pilot.press(*"bot", "enter")
        await driver.until("it is not shown again")
        assert "rgpt_secret" in driver.text()
        await driver.pilot.press("enter")
        await driver.until(lambda: driver.app.clipboard == "rgpt_secret")
        await driver.pilot.press("tab", "enter")
        await driver.until("bot  read, v1")
        assert "rgpt_secret" not in driver.text()
        sent = next(r for r in chat.http.requests if r.method == "POST" and r.path == PATH)
        assert msgspec.json.decode(sent.body) == {
            "name": "bot",
            "scopes": ["read", "v1"],
            "expires_in_seconds": 30 * 86_400,
        }


async def test_why_no_token_was_created_is_a_sentence() -> None:
    """Nothing is sent without a name and a scope, and the fields are kept."""
    async with _dialog(_listed()) as (chat, driver):
        refusal = "You have 50 tokens, which is the maximum; revoke one first."
        chat.http.on("POST", PATH, problem(409, "RGP.CONFLICT", refusal))
        await driver.until("None yet.")
        await driver.pilot.press("enter")
        await driver.until("[x] read: ")
        await driver.pilot.press("enter")
        await driver.until("A token's name needs at least one visible character.")
        await driver.pilot.press(*"bot", "tab", "space")
        await driver.until("[ ] read: ")
        await driver.pilot.press("shift+tab", "enter")
        await driver.until("Choose at least one thing that it may do.")
        assert chat.http.request_count("POST", PATH) == 0
        await driver.pilot.press("tab", "space", "shift+tab", "enter")
        await driver.until("You have 50 tokens")
        assert "bot" in driver.text()


async def test_the_scope_admin_is_offered_to_administrators_only() -> None:
    """The account is fetched for it, as roles change while the terminal is open."""
    async with _dialog(_listed()) as (chat, driver):
        member = Me(structs.replace(USER, roles=["member"]))
        chat.http.on("GET", "/api/auth/me", FakeResponse(200, member), FakeResponse(200, Me(USER)))
        await driver.until("None yet.")
        await driver.pilot.press("enter")
        await driver.until("v1: ")
        assert "admin: " not in driver.text()
        await driver.pilot.press("escape", "enter")
        await driver.until("admin: administer the server")


async def test_a_refused_list_is_a_sentence() -> None:
    """Such as for a program's token, which may not manage tokens."""
    refusal = problem(403, "RGP.RBAC.FORBIDDEN", "Sign in with a session to do this.")
    async with _dialog(refusal) as (_, driver):
        await driver.until("Sign in with a session to do this.")
