"""Set-up from another machine, disabled accounts, and password changes."""

import asyncio

import httpx
import pytest
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, InProcessServer

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
    assert state == {"is_setup": False, "registration": "invite"}
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


async def test_an_administrator_ends_all_sessions_of_an_account(server: InProcessServer) -> None:
    """Its streams end; the account can sign in again, and its tokens go on."""
    ann, admin = await server.person("ann"), await server.person("admin")
    program = server.token_user(await ann.create_token("read"), ann)
    async with ann.follow_all() as stream:
        await stream.next("stream.open")
        await admin.call("DELETE", f"/api/admin/users/{ann.id}/sessions", expect=204)
        closed = await stream.next("stream.closed")

    assert closed["payload"] == {"reason": "session_ended"}
    await ann.call("GET", "/api/auth/me", expect=401)
    await program.get("/api/auth/me")
    await server.sign_in("ann")


async def test_a_wrong_current_password_changes_nothing(server: InProcessServer) -> None:
    """The response is 401, and the old password still works."""
    ann = await server.person("ann")
    body = {"current_password": "wrong password", "new_password": "another password"}
    response = await ann.call("POST", "/api/auth/password", body, expect=401)

    assert response.json()["code"] == "RGP.AUTH.INVALID_CREDENTIALS"
    assert response.headers["www-authenticate"] == "session"
    await server.sign_in("ann")


async def test_a_change_of_the_email_address_needs_the_password(server: InProcessServer) -> None:
    """Without it the request is 422, with a wrong one 401; other changes need none."""
    ann = await server.person("ann")
    path, email = "/api/auth/me", {"email": "new@example.org"}
    missing = await ann.call("PATCH", path, email, expect=422)
    wrong = await ann.call("PATCH", path, {**email, "current_password": "wrong"}, expect=401)
    unchanged = (await ann.get(path))["user"]["email"]
    right = await ann.call("PATCH", path, {**email, "current_password": PASSWORD})
    await ann.call("PATCH", path, {"display_name": "Ann"})

    assert missing.json()["errors"][0]["field"] == "current_password"
    assert wrong.json()["code"] == "RGP.AUTH.INVALID_CREDENTIALS"
    assert unchanged == "ann@example.org"
    assert right.json()["user"]["email"] == "new@example.org"


async def test_a_change_of_the_email_address_does_not_tell_that_it_is_taken(
    server: InProcessServer,
) -> None:
    """The responses to a free and to a taken address differ in the address only."""
    ann, bob = await server.person("ann"), await server.person("bob")
    texts = []
    for email in ("free@example.org", "Bob@example.org"):
        body = {"email": email, "current_password": PASSWORD}
        response = await ann.call("PATCH", "/api/auth/me", body)
        shown = await ann.get("/api/auth/me")
        assert shown["user"] == response.json()["user"]
        texts.append((response.status_code, response.text.replace(email, "…")))
    assert texts[0] == texts[1]
    async with httpx.AsyncClient(base_url=server.url) as client:
        body = {"email": "bob@example.org", "password": PASSWORD}
        login = await client.post("/api/auth/login", json=body)
    assert login.json()["user"]["id"] == str(bob.id)


async def _create(
    admin: HttpUser, username: str, display_name: str | None = None
) -> httpx.Response:
    body = {
        "username": username,
        "email": f"{len(username)}-{username.encode().hex()}@example.org",
        "password": PASSWORD,
        "display_name": display_name,
    }
    headers = {"X-CSRF-TOKEN": admin.csrf}
    return await admin.client.post("/api/admin/users", json=body, headers=headers)


async def test_names_that_look_like_those_of_others_are_refused(server: InProcessServer) -> None:
    """With 422 and the field; the same user name in another case is a conflict, as before."""
    ann, admin = await server.person("alice"), await server.person("admin")
    refused = [
        await _create(admin, "a1ice"),
        await _create(admin, "Assistant"),
        await _create(admin, "zoë"),
        await _create(admin, "bob", "\u0410LICE"),
        await _create(admin, "bob", "assistant · demo"),
        await ann.call("PATCH", "/api/auth/me", {"display_name": "Adrnin"}, expect=422),
    ]
    assert [response.status_code for response in refused] == [422] * 6
    fields = [response.json()["errors"][0]["field"] for response in refused]
    assert fields == [*["username"] * 3, *["display_name"] * 3]
    assert "another account" in refused[0].json()["detail"]
    assert (await _create(admin, "ALICE")).status_code == 409
    await ann.call("PATCH", "/api/auth/me", {"display_name": "Alice"})
    assert (await _create(admin, "bob", "Sam")).status_code == 201
    assert (await _create(admin, "carl", "Sam")).status_code == 201
    assert (await _create(admin, "5am")).status_code == 201
    assert (await _create(admin, "Sarn")).status_code == 422


async def test_a_display_name_that_was_given_up_is_free(server: InProcessServer) -> None:
    """A new display name replaces what the old one looked like."""
    ann, admin = await server.person("ann"), await server.person("admin")
    await ann.call("PATCH", "/api/auth/me", {"display_name": "Carol"})
    assert (await _create(admin, "carol")).status_code == 422
    await ann.call("PATCH", "/api/auth/me", {"display_name": None})
    assert (await _create(admin, "carol")).status_code == 201


async def test_of_accounts_created_at_once_with_similar_names_one_remains(
    server: InProcessServer,
) -> None:
    """The others are refused, whatever the order."""
    admin = await server.person("admin")
    similar = ("olga", "0lga", "Olga", "oIga", "o1ga")
    responses = await asyncio.gather(*(_create(admin, name) for name in similar))
    statuses = sorted(response.status_code for response in responses)
    assert statuses[0] == 201
    assert set(statuses[1:]) <= {409, 422}
