"""Sessions under many requests at once."""

import asyncio

from tests.support.api import Api, Person

from rustygpt_server.services.sessions import hash_token, new_token


async def _statuses(person: Person, count: int) -> list[int]:
    answers = await asyncio.gather(*(person.client.get("/api/auth/me") for _ in range(count)))
    return [answer.status_code for answer in answers]


def test_tokens_are_long_and_their_own() -> None:
    """32 bytes each; what is stored of them is something else."""
    tokens = {new_token() for _ in range(100)}

    assert len(tokens) == 100
    assert {len(token) for token in tokens} == {43}
    assert all(token.encode() not in hash_token(token) for token in tokens)
    assert len(hash_token("\udcff")) == 32


async def test_many_requests_across_a_rotation_all_succeed(api: Api) -> None:
    """Nobody is logged out by being quick, and one new token comes of it."""
    ann = await api.person("ann")
    old = ann.client.cookies["SESSION_ID"]
    api.clock.move(5 * 3_600)
    cookie = {"Cookie": f"SESSION_ID={old}"}
    ann.client.cookies.clear()
    asked = (ann.client.get("/api/auth/me", headers=cookie) for _ in range(20))
    answers = await asyncio.gather(*asked)
    fresh = {a.cookies["SESSION_ID"] for a in answers if "SESSION_ID" in a.cookies}

    assert {a.status_code for a in answers} == {200}
    assert len(fresh) == 1
    assert fresh != {old}


async def test_a_lost_answer_logs_nobody_out(api: Api) -> None:
    """Within half a minute the old token works, for every method, and gives the same new one."""
    ann = await api.person("ann")
    old = {"Cookie": f"SESSION_ID={ann.client.cookies['SESSION_ID']}"}
    ann.client.cookies.clear()
    first = await ann.client.post("/api/auth/refresh", headers=old)
    ann.client.cookies.clear()
    api.clock.move(29)
    again = await ann.client.post("/api/auth/refresh", headers=old)
    ann.client.cookies.clear()
    body = {"display_name": "Ann"}
    changed = await ann.client.patch(
        "/api/auth/me", json=body, headers={**old, "X-CSRF-TOKEN": ann.csrf}
    )
    ann.client.cookies.clear()
    api.clock.move(2)
    late = await ann.client.post("/api/auth/refresh", headers=old)

    assert first.cookies["SESSION_ID"] == again.cookies["SESSION_ID"]
    assert changed.status_code == 200
    assert changed.headers["x-session-rotated"] == "1"
    assert late.status_code == 401


async def test_a_change_of_role_rotates_the_token(api: Api) -> None:
    """At the next request, once."""
    ann, admin = await api.person("ann"), await api.person("admin")
    await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"roles": ["admin"]})
    first = await ann.client.get("/api/auth/me")
    second = await ann.client.get("/api/auth/me")

    assert first.headers.get("x-session-rotated") == "1"
    assert "x-session-rotated" not in second.headers
    assert await _statuses(ann, 5) == [200] * 5


async def test_a_password_change_ends_the_others(api: Api) -> None:
    """Other sessions and their streams end; the one that changed it goes on."""
    ann = await api.person("ann")
    other = await api.sign_in("ann")
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


async def test_a_login_too_many_ends_the_oldest(api: Api) -> None:
    """Five live sessions; the stream of the sixth last is closed."""
    ann = await api.person("ann")
    room = await ann.conversation()
    async with ann.follow(room) as stream:
        await stream.next("stream.open")
        for _ in range(5):
            api.clock.move(1)
            await api.sign_in("ann")
        closed = await stream.next("stream.closed")

    assert closed["payload"] == {"reason": "session_ended"}
    assert await _statuses(ann, 1) == [401]
