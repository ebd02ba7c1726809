"""The dialogs that invite a person and join by an invite."""

from uuid import UUID

import msgspec
from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.support.fakes.fake_conversation import CONVERSATION_ID, ME, FakeConversation
from tests.support.fakes.fake_http_server import FakeResponse, problem
from tests.support.sample_models import TIME
from tests.tui.app_driver import in_conversation
from textual.widgets import Select

from rustygpt_shared.models.invites import (
    AcceptedInvite,
    CreatedInvite,
    Invite,
    InviteList,
    InviteState,
)

INVITES = f"/api/conversations/{CONVERSATION_ID}/invites"


async def test_an_owner_makes_a_link_and_copies_it() -> None:
    """The dialog of people leads there; an invalid address is reported and kept."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        created = CreatedInvite("rgpi_secret", TIME, UUID(int=9))
        chat.http.on("POST", INVITES, FakeResponse(200, created))
        await driver.pilot.press("p")
        await driver.until("me (you)  owner")
        driver.app.screen.query_one("#invite").focus()
        await driver.pilot.press("enter")
        await driver.until("Invite by a link")
        driver.app.screen.query_one("#email").focus()
        await driver.pilot.press("x", "enter")
        await driver.until("This is not an e-mail address.")
        driver.app.screen.query_one("#role", Select).value = "viewer"
        await driver.pilot.press(*"@y.org", "enter")
        await driver.until("#/invite/rgpi_secret")
        request = next(r for r in chat.http.requests if r.path == INVITES)
        body = {"email": "x@y.org", "role": "viewer", "ttl_seconds": 86_400}
        assert msgspec.json.decode(request.body) == body
        await driver.pilot.press("enter")
        link = f"{chat.origin}/#/invite/rgpi_secret"
        await driver.until(lambda: driver.app.clipboard == link)


async def test_a_pasted_link_joins_its_conversation() -> None:
    """The palette offers it; a refused one is a notice."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        gone = problem(410, "RGP.GONE", "This invite has been used; ask for a new one.")
        accepted = FakeResponse(200, AcceptedInvite(CONVERSATION_ID, "member"))
        chat.http.on("POST", "/api/invites/accept", gone, accepted)
        for _ in range(2):
            await driver.pilot.press("ctrl+p")
            await driver.until(lambda: driver.app.screen.query("Input"))
            link = f"{chat.origin}/#/invite/rgpi_x"
            driver.app.screen.query_one("Input").value = link
            await driver.until("Join the conversation of this invite")
            await driver.pilot.press("enter")
        await driver.until("This invite has been used")
        await driver.until(lambda: chat.http.request_count("POST", "/api/invites/accept") == 2)
        await driver.until(lambda: driver.main.thread_pane.composer.has_focus)
        sent = [r.body for r in chat.http.requests if r.path == "/api/invites/accept"]
        assert [msgspec.json.decode(body) for body in sent] == [{"token": "rgpi_x"}] * 2


async def test_the_palette_asks_for_a_link() -> None:
    """One to another server is not sent."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        await driver.pilot.press("ctrl+p", *"join by")
        await driver.until("Join by an invite")
        await driver.pilot.press("enter")
        await driver.until("paste its link")
        driver.app.screen.query_one("Input").value = "https://other.example/#/invite/rgpi_x"
        await driver.pilot.press("enter")
        await driver.until("This invite is for https://other.example")
        assert "https://other.example/#/invite" in driver.text()  # to be corrected
        assert chat.http.request_count("POST", "/api/invites/accept") == 0


def _invite(number: int, state: InviteState = "live", email: str | None = None) -> Invite:
    return Invite(
        id=UUID(int=number),
        email=email,
        role="member",
        state=state,
        created_by=ME,
        created_at=TIME,
        expires_at=TIME,
    )


async def test_a_live_invite_is_listed_and_revoked() -> None:
    """From all pages, without those that ended; one that was used meanwhile is a sentence."""
    async with fake_chat_server(FakeConversation()) as chat, in_conversation(chat) as driver:
        first, bound, used = _invite(1), _invite(2, email="bob@x.org"), _invite(3, state="used")
        pages = [InviteList([used, first], "more"), InviteList([bound]), InviteList([bound])]
        chat.http.on("GET", INVITES, *(FakeResponse(200, page) for page in pages))
        gone = problem(410, "RGP.GONE", "This invite has been used; remove the participant.")
        chat.http.on("POST", f"/api/invites/{first.id}/revoke", FakeResponse(204))
        chat.http.on("POST", f"/api/invites/{bound.id}/revoke", gone)
        await driver.pilot.press("p")
        await driver.until("me (you)  owner")
        driver.app.screen.query_one("#invite").focus()
        await driver.pilot.press("enter")
        await driver.until("Live invites …")
        driver.app.screen.query_one("#list").focus()
        await driver.pilot.press("enter")
        await driver.until("member, anybody with the link")
        await driver.until("member, bob@x.org")
        assert driver.text().count(f"until {TIME:%Y-%m-%d %H:%M}, by me") == 2
        await driver.pilot.press("enter")
        await driver.until("Revoke this invite?")
        await driver.pilot.press("enter")
        await driver.until(lambda: "anybody with the link:" not in driver.text())
        await driver.until(lambda: "member, anybody" not in driver.text())
        await driver.pilot.press("enter", "enter")
        await driver.until("This invite has been used")
        assert chat.http.request_count("POST", f"/api/invites/{first.id}/revoke") == 1
