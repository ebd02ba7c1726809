"""Set-up from another machine, and administration."""

import httpx
import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer

SETUP = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}


@pytest.mark.parametrize("token", [None, "", "wrong", "\x01", "é", "x" * 10_000])
async def test_from_another_machine_only_the_printed_token_helps(
    server: InProcessServer, token: str | None
) -> None:
    """Anything else is refused, and nobody is set up."""
    far = {"X-Forwarded-For": "203.0.113.9"}
    body = {**SETUP, **({"setup_token": token} if token is not None else {})}
    async with httpx.AsyncClient(base_url=server.url) as client:
        refused = await client.post("/api/setup", json=body, headers=far)
        told = (await client.get("/api/setup")).json()

    assert refused.status_code in {403, 422}
    assert told == {"is_setup": False}
    assert server.components.context.setup_token not in refused.text


async def test_a_disabled_person_is_out_at_once(server: InProcessServer) -> None:
    """Streams end and say why, sessions are dead."""
    ann, admin = await server.person("ann"), await server.person("admin")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"disabled": True})
        closed = await stream.next("stream.closed")

    assert closed["payload"] == {"reason": "disabled"}
    assert (await ann.client.get("/api/auth/me")).status_code == 401


async def test_the_wrong_current_password_changes_nothing(server: InProcessServer) -> None:
    """401, and the old one goes on working."""
    ann = await server.person("ann")
    body = {"current_password": "wrong password", "new_password": "another password"}
    refused = await ann.call("POST", "/api/auth/password", body, expect=401)

    assert refused.json()["code"] == "RGP.AUTH.INVALID_CREDENTIALS"
    assert refused.headers["www-authenticate"] == "session"
    await server.sign_in("ann")
