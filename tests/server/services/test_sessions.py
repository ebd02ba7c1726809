"""Sessions: concurrent requests, rotation, expiry, and which requests need the database."""

import asyncio

from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer

from rustygpt_server.services.secret_tokens import hash_token, new_token
from rustygpt_shared.settings import Auth, Db, SessionSettings, Settings


async def _statuses(user: HttpUser, count: int) -> list[int]:
    requests = (user.client.get("/api/auth/me") for _ in range(count))
    return [response.status_code for response in await asyncio.gather(*requests)]


def test_tokens_are_random_and_hashed() -> None:
    """Each has 32 bytes; the hash does not contain the token."""
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert all(token.encode() not in hash_token(token) for token in tokens)
    assert len(hash_token("\udcff")) == 32


async def test_concurrent_requests_during_a_rotation_all_succeed(server: InProcessServer) -> None:
    """They all get the same new token."""
    ann = await server.person("ann")
    old_token = ann.client.cookies["SESSION_ID"]
    server.clock.advance(5 * 3_600)
    headers = {"Cookie": f"SESSION_ID={old_token}"}
    ann.client.cookies.clear()
    requests = (ann.client.get("/api/auth/me", headers=headers) for _ in range(20))
    responses = await asyncio.gather(*requests)
    new_tokens = {
        response.cookies["SESSION_ID"] for response in responses if "SESSION_ID" in response.cookies
    }

    assert {response.status_code for response in responses} == {200}
    assert len(new_tokens) == 1
    assert new_tokens != {old_token}


async def test_a_lost_response_does_not_end_the_session(server: InProcessServer) -> None:
    """For 30 seconds the old token works, for every method, and leads to the same new token."""
    ann = await server.person("ann")
    old_cookie = {"Cookie": f"SESSION_ID={ann.client.cookies['SESSION_ID']}"}
    ann.client.cookies.clear()
    first = await ann.client.post("/api/auth/refresh", headers=old_cookie)
    ann.client.cookies.clear()
    server.clock.advance(29)
    second = await ann.client.post("/api/auth/refresh", headers=old_cookie)
    ann.client.cookies.clear()
    body = {"display_name": "Ann"}
    changed = await ann.client.patch(
        "/api/auth/me", json=body, headers={**old_cookie, "X-CSRF-TOKEN": ann.csrf}
    )
    ann.client.cookies.clear()
    server.clock.advance(2)
    late = await ann.client.post("/api/auth/refresh", headers=old_cookie)

    assert first.cookies["SESSION_ID"] == second.cookies["SESSION_ID"]
    assert changed.status_code == 200
    assert changed.headers["x-session-rotated"] == "1"
    assert late.status_code == 401


async def test_a_change_of_roles_rotates_the_token_once(server: InProcessServer) -> None:
    """At the next request."""
    ann = await server.person("ann")
    admin = await server.person("admin")
    await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"roles": ["admin"]})
    first = await ann.client.get("/api/auth/me")
    second = await ann.client.get("/api/auth/me")

    assert first.headers.get("x-session-rotated") == "1"
    assert "x-session-rotated" not in second.headers
    assert await _statuses(ann, 5) == [200] * 5


async def test_one_session_too_many_ends_the_oldest(server: InProcessServer) -> None:
    """A user has up to five; the streams of the oldest are closed."""
    ann = await server.person("ann")
    conversation = await ann.conversation()
    async with ann.follow(conversation) as stream:
        await stream.next("stream.open")
        for _ in range(5):
            server.clock.advance(1)
            await server.sign_in("ann")
        closed = await stream.next("stream.closed")

    assert closed["payload"] == {"reason": "session_ended"}
    assert await _statuses(ann, 1) == [401]


async def test_the_use_of_a_session_is_recorded_once_a_minute(server: InProcessServer) -> None:
    """A cached check is used for as long as the database would record nothing."""
    ann = await server.person("ann")
    await server.components.background.stop()
    expiry_times = []
    for _ in range(5):
        expiry_times.append((await ann.get("/api/auth/me"))["session"]["expires_at"])
        server.clock.advance(20)
        await server.components.stream_revalidator.poll_access_changes()

    assert expiry_times[0] == expiry_times[1] == expiry_times[2]
    assert expiry_times[2] < expiry_times[3] == expiry_times[4]


async def test_a_cached_session_rotates_and_expires_in_time(start_server: StartServer) -> None:
    """By its idle window, however short that is."""
    auth = Auth(session=SessionSettings(idle_seconds=40))
    async with start_server(settings=Settings(auth=auth, db=Db(max_connections=4))) as server:
        ann = await server.person("ann")
        headers = {"Cookie": f"SESSION_ID={ann.client.cookies['SESSION_ID']}"}
        ann.client.cookies.clear()
        responses = []
        for seconds in (0, 15, 10, 0, 31):
            server.clock.advance(seconds)
            await server.components.stream_revalidator.poll_access_changes()
            responses.append(await ann.client.get("/api/auth/me", headers=headers))
            ann.client.cookies.clear()

    assert [response.status_code for response in responses] == [200, 200, 200, 200, 401]
    rotated = [response.headers.get("x-session-rotated") for response in responses]
    assert rotated == [None, None, "1", "1", None]


async def test_sensitive_requests_query_the_database(server: InProcessServer) -> None:
    """Changes of accounts and sessions, and everything that administrators do."""
    await server.components.background.stop()
    await server.person("ann")
    admin = server.people["admin"]
    await admin.get("/api/auth/me")
    for method, path, body in (
        ("PATCH", "/api/auth/me", {"display_name": "A"}),
        ("GET", "/api/admin/users", None),
        ("POST", "/api/auth/refresh", None),
    ):
        before = server.statements
        await admin.call(method, path, body)
        assert server.statements - before == 2, path
