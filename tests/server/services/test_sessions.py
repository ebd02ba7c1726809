"""Sessions under many requests at once."""

import asyncio

from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer

from rustygpt_server.services.sessions import hash_token, new_token
from rustygpt_shared.settings import Auth, Db, SessionSettings, Settings


async def _statuses(person: HttpUser, count: int) -> list[int]:
    answers = await asyncio.gather(*(person.client.get("/api/auth/me") for _ in range(count)))
    return [answer.status_code for answer in answers]


def test_tokens_are_long_and_their_own() -> None:
    """32 bytes each; what is stored of them is something else."""
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert all(token.encode() not in hash_token(token) for token in tokens)
    assert len(hash_token("\udcff")) == 32


async def test_many_requests_across_a_rotation_all_succeed(server: InProcessServer) -> None:
    """Nobody is logged out by being quick, and one new token comes of it."""
    ann = await server.person("ann")
    old = ann.client.cookies["SESSION_ID"]
    server.clock.advance(5 * 3_600)
    cookie = {"Cookie": f"SESSION_ID={old}"}
    ann.client.cookies.clear()
    asked = (ann.client.get("/api/auth/me", headers=cookie) for _ in range(20))
    answers = await asyncio.gather(*asked)
    fresh = {a.cookies["SESSION_ID"] for a in answers if "SESSION_ID" in a.cookies}

    assert {a.status_code for a in answers} == {200}
    assert len(fresh) == 1
    assert fresh != {old}


async def test_a_lost_answer_logs_nobody_out(server: InProcessServer) -> None:
    """Within half a minute the old token works, for every method, and gives the same new one."""
    ann = await server.person("ann")
    old = {"Cookie": f"SESSION_ID={ann.client.cookies['SESSION_ID']}"}
    ann.client.cookies.clear()
    first = await ann.client.post("/api/auth/refresh", headers=old)
    ann.client.cookies.clear()
    server.clock.advance(29)
    again = await ann.client.post("/api/auth/refresh", headers=old)
    ann.client.cookies.clear()
    body = {"display_name": "Ann"}
    changed = await ann.client.patch(
        "/api/auth/me", json=body, headers={**old, "X-CSRF-TOKEN": ann.csrf}
    )
    ann.client.cookies.clear()
    server.clock.advance(2)
    late = await ann.client.post("/api/auth/refresh", headers=old)

    assert first.cookies["SESSION_ID"] == again.cookies["SESSION_ID"]
    assert changed.status_code == 200
    assert changed.headers["x-session-rotated"] == "1"
    assert late.status_code == 401


async def test_a_change_of_role_rotates_the_token(server: InProcessServer) -> None:
    """At the next request, once."""
    ann, admin = await server.person("ann"), await server.person("admin")
    await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"roles": ["admin"]})
    first = await ann.client.get("/api/auth/me")
    second = await ann.client.get("/api/auth/me")

    assert first.headers.get("x-session-rotated") == "1"
    assert "x-session-rotated" not in second.headers
    assert await _statuses(ann, 5) == [200] * 5


async def test_a_password_change_ends_the_others(server: InProcessServer) -> None:
    """Other sessions and their streams end; the one that changed it goes on."""
    ann = await server.person("ann")
    other = await server.sign_in("ann")
    room = await ann.conversation()
    async with other.follow(room) as theirs, ann.follow(room) as own:
        await theirs.next("stream.open")
        await own.next("stream.open")
        body = {"current_password": "correct horse battery", "new_password": "another password"}
        await ann.call("POST", "/api/auth/password", body, expect=204)
        closed = await theirs.next("stream.closed")
        await ann.root(room)
        event = await own.next()

    assert closed["payload"] == {"reason": "session_ended"}
    assert event["type"] == "thread.new"
    assert await _statuses(other, 1) == [401]


async def test_a_login_too_many_ends_the_oldest(server: InProcessServer) -> None:
    """Five live sessions; the stream of the sixth last is closed."""
    ann = await server.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        for _ in range(5):
            server.clock.advance(1)
            await server.sign_in("ann")
        closed = await stream.next("stream.closed")

    assert closed["payload"] == {"reason": "session_ended"}
    assert await _statuses(ann, 1) == [401]


async def test_a_session_is_seen_in_use_once_a_minute(server: InProcessServer) -> None:
    """What is known is used for as long as the database would write nothing."""
    ann = await server.person("ann")
    await server.components.background.stop()
    ends = []
    for _ in range(5):
        ends.append((await ann.get("/api/auth/me"))["session"]["expires_at"])
        server.clock.advance(20)
        await server.components.services.streams.poll_access_changes()

    assert ends[0] == ends[1] == ends[2]
    assert ends[2] < ends[3] == ends[4]


async def test_a_known_session_rotates_and_ends_in_time(start_server: StartServer) -> None:
    """By its idle window, however short that is."""
    auth = Auth(session=SessionSettings(idle_seconds=40))
    async with start_server(settings=Settings(auth=auth, db=Db(max_connections=4))) as api:
        ann = await api.person("ann")
        cookie = {"Cookie": f"SESSION_ID={ann.client.cookies['SESSION_ID']}"}
        ann.client.cookies.clear()
        told = []
        for seconds in (0, 15, 10, 0, 31):
            api.clock.advance(seconds)
            await api.components.services.streams.poll_access_changes()
            told.append(await ann.client.get("/api/auth/me", headers=cookie))
            ann.client.cookies.clear()

    assert [answer.status_code for answer in told] == [200, 200, 200, 200, 401]
    rotated = [answer.headers.get("x-session-rotated") for answer in told]
    assert rotated == [None, None, "1", "1", None]


async def test_what_guards_accounts_asks_the_database(server: InProcessServer) -> None:
    """What changes accounts and sessions, and all that administrators do."""
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
        asked = server.statements - before
        assert asked == 2, path
