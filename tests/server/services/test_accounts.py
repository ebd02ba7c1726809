"""Set-up from another machine, and administration."""

import httpx
import pytest
from tests.support.api import PASSWORD, Api

SETUP = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}


@pytest.mark.parametrize("token", [None, "", "wrong", "\x01", "é", "x" * 10_000])
async def test_from_another_machine_only_the_printed_token_helps(
    api: Api, token: str | None
) -> None:
    """Anything else is refused, and nobody is set up."""
    far = {"X-Forwarded-For": "203.0.113.9"}
    body = {**SETUP, **({"setup_token": token} if token is not None else {})}
    async with httpx.AsyncClient(base_url=api.url) as client:
        refused = await client.post("/api/setup", json=body, headers=far)
        told = (await client.get("/api/setup")).json()

    assert refused.status_code in {403, 422}
    assert told == {"is_setup": False}
    assert api.parts.config.setup_token not in refused.text


async def test_a_disabled_person_is_out_at_once(api: Api) -> None:
    """Streams end and say why, sessions are dead."""
    ann, admin = await api.person("ann"), await api.person("admin")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"disabled": True})
        closed = await stream.next("stream.closed")

    assert closed["payload"] == {"reason": "disabled"}
    assert (await ann.client.get("/api/auth/me")).status_code == 401


async def test_the_wrong_current_password_changes_nothing(api: Api) -> None:
    """401, and the old one goes on working."""
    ann = await api.person("ann")
    body = {"current_password": "wrong password", "new_password": "another password"}
    refused = await ann.call("POST", "/api/auth/password", body, expect=401)

    assert refused.json()["code"] == "RGP.AUTH.INVALID_CREDENTIALS"
    assert refused.headers["www-authenticate"] == "session"
    await api.sign_in("ann")
