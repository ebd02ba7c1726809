"""Who may register, and that an account comes with its session and its conversation."""

from typing import Any

import httpx
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_shared.settings import Auth, Db, RegistrationMode, Settings


def _settings(mode: RegistrationMode) -> Settings:
    return Settings(auth=Auth(registration=mode), db=Db(max_connections=4))


async def _register(server: InProcessServer, name: str, **fields: Any) -> httpx.Response:
    body = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **fields}
    async with httpx.AsyncClient(base_url=server.url) as client:
        response = await client.post("/api/auth/register", json=body)
        if response.status_code == 201:
            me = await client.get("/api/auth/me")
            assert me.json()["user"]["username"] == name
        return response


async def test_the_mode_says_who_may_register(start_server: StartServer) -> None:
    """Nobody, who has an invite, or everybody; clients learn it with the state of set-up."""
    expected = {"closed": (403, 403), "invite": (403, 201), "open": (201, 201)}
    for index, (mode, statuses) in enumerate(expected.items()):
        async with start_server(settings=_settings(mode)) as server:  # type: ignore[arg-type]
            if index == 0:
                ann = await server.person("ann")
                cookies = ann.client.cookies
            client = httpx.AsyncClient(base_url=server.url, cookies=cookies)
            async with client:
                csrf = {"X-CSRF-TOKEN": ann.csrf}
                created = await client.post("/api/conversations", json={"title": "x"}, headers=csrf)
                path = f"/api/conversations/{created.json()['conversation_id']}/invites"
                invite = (await client.post(path, json={}, headers=csrf)).json()["token"]
                setup = (await client.get("/api/setup")).json()
            alone = await _register(server, f"alone{index}")
            invited = await _register(server, f"invited{index}", invite_token=invite)

        assert setup == {"is_setup": True, "registration": mode}
        assert (alone.status_code, invited.status_code) == statuses


async def test_an_invited_account_is_a_participant(server: InProcessServer) -> None:
    """Streams of the conversation get the event; the response is that of a login."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    path = f"/api/conversations/{conversation_id}/invites"
    body = {"email": "bob@example.org", "role": "viewer"}
    invite = (await ann.post(path, body))["token"]
    other = await _register(server, "eve", invite_token=invite)
    async with ann.follow(conversation_id) as stream:
        await stream.next("stream.open")
        response = await _register(server, "bob", invite_token=invite)
        event = await stream.next("membership.changed")

    assert other.status_code == 403
    assert response.json()["user"]["roles"] == ["member"]
    assert response.json().keys() == {"user", "session", "csrf_token"}
    assert event["payload"]["user_id"] == response.json()["user"]["id"]
    assert event["payload"]["role"] == "viewer"


async def test_an_invite_that_cannot_be_used_is_refused_before_hashing(
    server: InProcessServer,
) -> None:
    """And a name that is taken does not use an invite up."""
    ann = await server.person("ann")
    path = f"/api/conversations/{await ann.conversation()}/invites"
    invite = (await ann.post(path, {}))["token"]
    taken = await _register(server, "ann", invite_token=invite)
    reserved = await _register(server, "assistant", invite_token=invite)
    unknown = await _register(server, "bob", invite_token="rgpi_x")
    accepted = await _register(server, "bob", invite_token=invite)
    used = await _register(server, "eve", invite_token=invite)

    statuses = [r.status_code for r in (taken, reserved, unknown, accepted, used)]
    assert statuses == [409, 422, 404, 201, 410]


async def test_nobody_registers_before_the_set_up(start_server: StartServer) -> None:
    """The first account has to be the administrator's."""
    async with start_server(settings=_settings("open")) as server:
        assert (await _register(server, "bob")).status_code == 409
        assert (await server.person("ann")).id
