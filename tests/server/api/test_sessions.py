"""Set-up, sign-in and sessions over HTTP."""

import asyncio

import httpx
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer

SETUP = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}


async def test_set_up_succeeds_once(server: InProcessServer) -> None:
    """Of several requests at once one succeeds, and set-up is closed afterwards."""
    state = {"registration": "invite"}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        assert (await client.get("/api/setup")).json() == {**state, "is_setup": False}
        bodies = [{**SETUP, "username": f"a{n}", "email": f"a{n}@example.org"} for n in range(4)]
        responses = await asyncio.gather(*(client.post("/api/setup", json=body) for body in bodies))
        assert sorted(response.status_code for response in responses) == [201, 409, 409, 409]
        assert (await client.get("/api/setup")).json() == {**state, "is_setup": True}


async def test_remote_set_up_needs_the_printed_token(server: InProcessServer) -> None:
    """Only a request from the machine itself needs no token."""
    forwarded = {"X-Forwarded-For": "203.0.113.9"}
    async with httpx.AsyncClient(base_url=server.url) as client:
        rejected = await client.post("/api/setup", json=SETUP, headers=forwarded)
        token = server.components.context.setup_token
        accepted = await client.post(
            "/api/setup", json={**SETUP, "setup_token": token}, headers=forwarded
        )

    assert rejected.status_code == 403
    assert accepted.status_code == 201


async def test_cookies_have_the_attributes_of_the_contract(server: InProcessServer) -> None:
    """The session cookie is hidden from scripts, and the CSRF cookie is not."""
    await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as client:
        response = await client.post(
            "/api/auth/login", json={"email": "ANN@example.org", "password": PASSWORD}
        )

    session, csrf = response.headers.get_list("set-cookie")
    assert session.startswith("SESSION_ID=")
    assert "HttpOnly; Max-Age=604800; Path=/; SameSite=Lax" in session
    assert csrf.startswith(f"CSRF-TOKEN={response.json()['csrf_token']}; ")
    assert "SameSite=Strict" in csrf
    assert "HttpOnly" not in csrf


async def test_unknown_names_and_wrong_passwords_look_the_same(server: InProcessServer) -> None:
    """A login does not reveal which accounts exist."""
    await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as client:
        responses = [
            await client.post("/api/auth/login", json={"email": name, "password": "wrong one"})
            for name in ("ann", "nobody")
        ]

    assert [response.status_code for response in responses] == [401, 401]
    bodies = [{**response.json(), "request_id": ""} for response in responses]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "RGP.AUTH.INVALID_CREDENTIALS"


async def test_only_the_right_password_reveals_a_disabled_account(
    server: InProcessServer,
) -> None:
    """The right password returns 423, a wrong one 401."""
    ann = await server.person("ann")
    admin = await server.person("admin")
    await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"disabled": True})
    async with httpx.AsyncClient(base_url=server.url) as client:
        right = await client.post("/api/auth/login", json={"email": "ann", "password": PASSWORD})
        wrong = await client.post("/api/auth/login", json={"email": "ann", "password": "x" * 9})

    assert (right.status_code, wrong.status_code) == (423, 401)
    assert (await ann.client.get("/api/auth/me")).status_code == 401


async def test_changes_need_the_csrf_token_of_the_session(server: InProcessServer) -> None:
    """A token that is missing, empty, altered, doubled or of another session returns 403."""
    ann, other = await server.person("ann"), await server.sign_in("admin")
    path = "/api/auth/password"
    altered = ("B" if ann.csrf[0] == "A" else "A") + ann.csrf[1:]
    invalid = [[], [""], [altered], [other.csrf], [ann.csrf, ann.csrf]]
    for tokens in invalid:
        headers = [("X-CSRF-TOKEN", token) for token in tokens]
        response = await ann.client.post(path, json={}, headers=headers)
        assert response.status_code == 403, tokens
        assert response.json()["code"] == "RGP.AUTH.CSRF"
    assert (await ann.call("POST", path, {}, expect=422)).status_code == 422


async def test_a_session_expires_when_idle_and_by_age(server: InProcessServer) -> None:
    """A session ends after eight hours without use, and after seven days in any case."""
    ann = await server.person("ann")
    server.clock.advance(8 * 3_600 + 1)
    idle_response = await ann.client.get("/api/auth/me")
    user = await server.sign_in("ann")
    for _ in range(24 * 7 // 6 - 1):
        server.clock.advance(6 * 3_600)
        assert (await user.client.get("/api/auth/me")).status_code == 200
    server.clock.advance(6 * 3_600 + 1)

    assert idle_response.status_code == 401
    assert idle_response.json()["code"] == "RGP.AUTH.EXPIRED"
    assert idle_response.headers["www-authenticate"] == "session"
    assert (await user.client.get("/api/auth/me")).status_code == 401


async def test_parallel_requests_share_one_rotation(server: InProcessServer) -> None:
    """When a rotation is due, twenty requests at once get the same new token."""
    ann = await server.person("ann")
    token = ann.client.cookies["SESSION_ID"]
    server.clock.advance(4 * 3_600 + 60)

    async def call() -> httpx.Response:
        async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
            headers = {"Cookie": f"SESSION_ID={token}"}
            return await client.get("/api/auth/me", headers=headers)

    responses = await asyncio.gather(*(call() for _ in range(20)))
    new_cookies = {
        response.headers.get_list("set-cookie")[0].split(";")[0] for response in responses
    }

    assert {response.status_code for response in responses} == {200}
    assert {response.headers["x-session-rotated"] for response in responses} == {"1"}
    assert len(new_cookies) == 1
    assert token not in new_cookies.pop()


async def test_a_superseded_token_works_for_thirty_seconds(server: InProcessServer) -> None:
    """The old session token and CSRF token stay valid for 30 s after a rotation."""
    ann = await server.person("ann")
    old_token = ann.client.cookies["SESSION_ID"]
    old_csrf = ann.csrf
    await ann.post("/api/auth/refresh", None)
    headers = {"Cookie": f"SESSION_ID={old_token}", "X-CSRF-TOKEN": old_csrf}
    async with httpx.AsyncClient(base_url=server.url) as client:
        body = {"title": "made in the grace"}
        within = await client.post("/api/conversations", json=body, headers=headers)
        server.clock.advance(31)
        after = await client.get("/api/auth/me", headers=headers)

    assert within.status_code == 201
    assert within.headers["x-session-rotated"] == "1"
    assert after.status_code == 401
    assert (await ann.client.get("/api/auth/me")).status_code == 200


async def test_a_repeated_refresh_returns_the_same_token(server: InProcessServer) -> None:
    """A client whose refresh response was lost stays signed in."""
    ann = await server.person("ann")
    cookie = {"Cookie": f"SESSION_ID={ann.client.cookies['SESSION_ID']}"}
    async with httpx.AsyncClient(base_url=server.url) as client:
        first = await client.post("/api/auth/refresh", headers=cookie)
        second = await client.post("/api/auth/refresh", headers=cookie)

    assert first.json()["csrf_token"] == second.json()["csrf_token"]
    assert first.headers.get_list("set-cookie") == second.headers.get_list("set-cookie")


async def test_a_sixth_login_ends_the_oldest_session(server: InProcessServer) -> None:
    """A user has at most five sessions, and the list shows the own ones."""
    first_user = await server.person("ann")
    for _ in range(5):
        server.clock.advance(1)
        last_user = await server.sign_in("ann")

    listed = (await last_user.get("/api/auth/sessions"))["sessions"]

    assert (await first_user.client.get("/api/auth/me")).status_code == 401
    assert len(listed) == 5
    assert [item.get("current", False) for item in listed] == [True, False, False, False, False]


async def test_a_password_change_returns_new_cookies(server: InProcessServer) -> None:
    """The response is that of a login, with a new token for the same session."""
    ann = await server.person("ann")
    before = dict(ann.client.cookies)
    session = (await ann.get("/api/auth/me"))["session"]
    wrong = {"current_password": "no", "new_password": "another good one"}
    await ann.call("POST", "/api/auth/password", wrong, expect=401)
    response = await server.change_password(ann, "another good one")

    assert response.json()["session"]["id"] == session["id"]
    assert response.json()["user"]["username"] == "ann"
    assert response.headers["x-session-rotated"] == "1"
    assert ann.client.cookies["CSRF-TOKEN"] == response.json()["csrf_token"]
    assert not set(ann.client.cookies.values()) & set(before.values())
    await ann.conversation()


async def test_logout_deletes_the_cookies_of_an_expired_session(server: InProcessServer) -> None:
    """A second logout, or one after expiry, still deletes the cookies."""
    ann = await server.person("ann")
    server.clock.advance(9 * 3_600)

    response = await ann.call("POST", "/api/auth/logout")

    assert response.json() == {"ok": True}
    assert all("Max-Age=0" in cookie for cookie in response.headers.get_list("set-cookie"))


async def test_a_user_ends_only_own_sessions(server: InProcessServer) -> None:
    """The session of another user is not found."""
    ann, bob = await server.person("ann"), await server.person("bob")
    second_login = await server.sign_in("ann")
    listed = (await ann.get("/api/auth/sessions"))["sessions"]

    await bob.call("DELETE", f"/api/auth/sessions/{listed[0]['id']}", expect=404)
    await ann.call("DELETE", f"/api/auth/sessions/{listed[0]['id']}", expect=204)

    statuses = [(await user.client.get("/api/auth/me")).status_code for user in (ann, second_login)]
    assert sorted(statuses) == [200, 401]
