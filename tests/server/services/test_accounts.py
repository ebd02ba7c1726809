"""Set-up from another machine, disabled accounts, and password changes."""

import httpx
import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer

SETUP = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}


@pytest.mark.parametrize("token", [None, "", "wrong", "\x01", "é", "x" * 10_000])
async def test_set_up_from_another_machine_needs_the_printed_token(
    server: InProcessServer, token: str | None
) -> None:
    """With any other token, no account is created."""
    headers = {"X-Forwarded-For": "203.0.113.9"}
    body = {**SETUP, **({"setup_token": token} if token is not None else {})}
    async with httpx.AsyncClient(base_url=server.url) as client:
        response = await client.post("/api/setup", json=body, headers=headers)
        state = (await client.get("/api/setup")).json()

    assert response.status_code in {403, 422}
    assert state == {"is_setup": False}
    assert server.components.context.setup_token not in response.text


async def test_a_disabled_account_loses_streams_and_sessions_at_once(
    server: InProcessServer,
) -> None:
    """The last frame of a stream has the reason."""
    ann = await server.person("ann")
    admin = await server.person("admin")
    conversation = await ann.conversation()
    async with ann.follow(conversation) as stream:
        await stream.next("stream.open")
        await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"disabled": True})
        closed = await stream.next("stream.closed")

    assert closed["payload"] == {"reason": "disabled"}
    assert (await ann.client.get("/api/auth/me")).status_code == 401


async def test_a_wrong_current_password_changes_nothing(server: InProcessServer) -> None:
    """The response is 401, and the old password still works."""
    ann = await server.person("ann")
    body = {"current_password": "wrong password", "new_password": "another password"}
    response = await ann.call("POST", "/api/auth/password", body, expect=401)

    assert response.json()["code"] == "RGP.AUTH.INVALID_CREDENTIALS"
    assert response.headers["www-authenticate"] == "session"
    await server.sign_in("ann")
