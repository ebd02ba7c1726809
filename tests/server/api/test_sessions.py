"""Set-up, log-in and sessions, over HTTP."""

import asyncio

import httpx
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer

SETUP = {"username": "ann", "email": "ann@example.org", "password": PASSWORD}


async def test_the_first_administrator_is_named_once(server: InProcessServer) -> None:
    """Of many at once, one succeeds; afterwards the door is shut."""
    async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
        assert (await client.get("/api/setup")).json() == {"is_setup": False}
        bodies = [{**SETUP, "username": f"a{n}", "email": f"a{n}@example.org"} for n in range(4)]
        answers = await asyncio.gather(*(client.post("/api/setup", json=b) for b in bodies))
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
        assert (await client.get("/api/setup")).json() == {"is_setup": True}


async def test_set_up_through_a_proxy_needs_the_printed_token(server: InProcessServer) -> None:
    """Only the machine itself may do without."""
    far = {"X-Forwarded-For": "203.0.113.9"}
    async with httpx.AsyncClient(base_url=server.url) as client:
        refused = await client.post("/api/setup", json=SETUP, headers=far)
        token = server.components.context.setup_token
        taken = await client.post("/api/setup", json={**SETUP, "setup_token": token}, headers=far)

    assert refused.status_code == 403
    assert taken.status_code == 201


async def test_cookies_are_as_the_contract_has_them(server: InProcessServer) -> None:
    """The session is hidden from scripts, the CSRF token is not."""
    await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as client:
        answer = await client.post(
            "/api/auth/login", json={"email": "ANN@example.org", "password": PASSWORD}
        )

    session, csrf = answer.headers.get_list("set-cookie")
    assert session.startswith("SESSION_ID=")
    assert "HttpOnly; Max-Age=604800; Path=/; SameSite=Lax" in session
    assert csrf.startswith(f"CSRF-TOKEN={answer.json()['csrf_token']}; ")
    assert "SameSite=Strict" in csrf
    assert "HttpOnly" not in csrf


async def test_unknown_names_and_wrong_passwords_look_the_same(server: InProcessServer) -> None:
    """Nobody learns who has an account."""
    await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as client:
        wrong = [
            await client.post("/api/auth/login", json={"email": name, "password": "wrong one"})
            for name in ("ann", "nobody")
        ]

    assert [answer.status_code for answer in wrong] == [401, 401]
    bodies = [{**answer.json(), "request_id": ""} for answer in wrong]
    assert bodies[0] == bodies[1]
    assert bodies[0]["code"] == "RGP.AUTH.INVALID_CREDENTIALS"


async def test_a_disabled_account_is_told_to_who_knows_the_password(
    server: InProcessServer,
) -> None:
    """423 with the right password, 401 with a wrong one."""
    ann = await server.person("ann")
    admin = await server.person("admin")
    await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"disabled": True})
    async with httpx.AsyncClient(base_url=server.url) as client:
        right = await client.post("/api/auth/login", json={"email": "ann", "password": PASSWORD})
        wrong = await client.post("/api/auth/login", json={"email": "ann", "password": "x" * 9})

    assert (right.status_code, wrong.status_code) == (423, 401)
    assert (await ann.client.get("/api/auth/me")).status_code == 401


async def test_changes_need_the_csrf_token_of_the_session(server: InProcessServer) -> None:
    """Missing, empty, altered, doubled, or another session's: 403."""
    ann, other = await server.person("ann"), await server.sign_in("admin")
    path = "/api/auth/password"
    altered = ("B" if ann.csrf[0] == "A" else "A") + ann.csrf[1:]
    bad = [[], [""], [altered], [other.csrf], [ann.csrf, ann.csrf]]
    for tokens in bad:
        headers = [("X-CSRF-TOKEN", token) for token in tokens]
        answer = await ann.client.post(path, json={}, headers=headers)
        assert answer.status_code == 403, tokens
        assert answer.json()["code"] == "RGP.AUTH.CSRF"
    assert (await ann.call("POST", path, {}, expect=422)).status_code == 422


async def test_a_session_dies_of_idleness_and_of_age(server: InProcessServer) -> None:
    """Eight hours unused, or seven days in all, whatever the use."""
    ann = await server.person("ann")
    server.clock.advance(8 * 3_600 + 1)
    idle = await ann.client.get("/api/auth/me")
    old = await server.sign_in("ann")
    for _ in range(24 * 7 // 6 - 1):
        server.clock.advance(6 * 3_600)
        assert (await old.client.get("/api/auth/me")).status_code == 200
    server.clock.advance(6 * 3_600 + 1)

    assert idle.status_code == 401
    assert idle.json()["code"] == "RGP.AUTH.EXPIRED"
    assert idle.headers["www-authenticate"] == "session"
    assert (await old.client.get("/api/auth/me")).status_code == 401


async def test_parallel_requests_across_a_rotation_all_succeed(server: InProcessServer) -> None:
    """When a rotation is due, twenty requests at once make one new token."""
    ann = await server.person("ann")
    token = ann.client.cookies["SESSION_ID"]
    server.clock.advance(4 * 3_600 + 60)

    async def call() -> httpx.Response:
        async with httpx.AsyncClient(base_url=server.url, timeout=20) as client:
            headers = {"Cookie": f"SESSION_ID={token}"}
            return await client.get("/api/auth/me", headers=headers)

    answers = await asyncio.gather(*(call() for _ in range(20)))
    fresh = {answer.headers.get_list("set-cookie")[0].split(";")[0] for answer in answers}

    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["x-session-rotated"] for answer in answers} == {"1"}
    assert len(fresh) == 1
    assert token not in fresh.pop()


async def test_a_superseded_token_works_for_thirty_seconds(server: InProcessServer) -> None:
    """Old token and old CSRF token serve a change for a while, then they are dead."""
    ann = await server.person("ann")
    old, csrf = ann.client.cookies["SESSION_ID"], ann.csrf
    await ann.post("/api/auth/refresh", None)
    headers = {"Cookie": f"SESSION_ID={old}", "X-CSRF-TOKEN": csrf}
    async with httpx.AsyncClient(base_url=server.url) as client:
        body = {"title": "made in the grace"}
        within = await client.post("/api/conversations", json=body, headers=headers)
        server.clock.advance(31)
        after = await client.get("/api/auth/me", headers=headers)

    assert within.status_code == 201
    assert within.headers["x-session-rotated"] == "1"
    assert after.status_code == 401
    assert (await ann.client.get("/api/auth/me")).status_code == 200


async def test_a_lost_refresh_logs_nobody_out(server: InProcessServer) -> None:
    """The same old token gets the same new one again."""
    ann = await server.person("ann")
    cookie = {"Cookie": f"SESSION_ID={ann.client.cookies['SESSION_ID']}"}
    async with httpx.AsyncClient(base_url=server.url) as client:
        first = await client.post("/api/auth/refresh", headers=cookie)
        second = await client.post("/api/auth/refresh", headers=cookie)

    assert first.json()["csrf_token"] == second.json()["csrf_token"]
    assert first.headers.get_list("set-cookie") == second.headers.get_list("set-cookie")


async def test_a_sixth_login_ends_the_oldest_session(server: InProcessServer) -> None:
    """At most five sessions live; the list shows one's own."""
    first = await server.person("ann")
    for _ in range(5):
        server.clock.advance(1)
        last = await server.sign_in("ann")

    listed = (await last.get("/api/auth/sessions"))["sessions"]

    assert (await first.client.get("/api/auth/me")).status_code == 401
    assert len(listed) == 5
    assert [one.get("current", False) for one in listed] == [True, False, False, False, False]


async def test_a_password_change_ends_other_sessions(server: InProcessServer) -> None:
    """This session goes on with a new token; the others are over; the old password is wrong."""
    ann, other = await server.person("ann"), await server.sign_in("ann")
    body = {"current_password": PASSWORD, "new_password": "another good one"}

    await ann.call("POST", "/api/auth/password", {**body, "current_password": "no"}, expect=401)
    await ann.call("POST", "/api/auth/password", body, expect=204)
    mine = await ann.client.get("/api/auth/me")

    assert mine.status_code == 200
    assert mine.headers["x-session-rotated"] == "1"
    assert (await other.client.get("/api/auth/me")).status_code == 401


async def test_logout_takes_the_cookies_even_of_a_dead_session(server: InProcessServer) -> None:
    """A second logout, or one after expiry, still cleans up."""
    ann = await server.person("ann")
    server.clock.advance(9 * 3_600)

    answer = await ann.call("POST", "/api/auth/logout")

    assert answer.json() == {"ok": True}
    assert all("Max-Age=0" in cookie for cookie in answer.headers.get_list("set-cookie"))


async def test_one_ends_only_ones_own_sessions(server: InProcessServer) -> None:
    """Another's session is not found."""
    ann, bob = await server.person("ann"), await server.person("bob")
    second = await server.sign_in("ann")
    listed = (await ann.get("/api/auth/sessions"))["sessions"]

    await bob.call("DELETE", f"/api/auth/sessions/{listed[0]['id']}", expect=404)
    await ann.call("DELETE", f"/api/auth/sessions/{listed[0]['id']}", expect=204)

    alive = [(await one.client.get("/api/auth/me")).status_code for one in (ann, second)]
    assert sorted(alive) == [200, 401]
