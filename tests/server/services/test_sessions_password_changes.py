"""Logins and password changes at the same moment, and what a password change ends."""

import asyncio
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from tests.support.database.row_locks import locked_account, until_blocked
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, InProcessServer, StartServer
from tests.support.servers.redis_server import redis_server
from tests.support.servers.two_servers import two_servers

from rustygpt_shared.settings import BackplaneSettings, Db, Settings, Sse

NEW_PASSWORD = "another good one"


async def _log_in(server: InProcessServer, password: str = PASSWORD) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        body = {"email": "ann", "password": password}
        return await client.post("/api/auth/login", json=body)


async def _store_hash(superuser: Any, user: HttpUser, password: str, **parameters: int) -> None:
    new_hash = PasswordHasher(**parameters).hash(password)
    query = "UPDATE rustygpt.users SET password_hash = $2 WHERE id = $1"
    await superuser.execute(query, user.id, new_hash)


@pytest.mark.parametrize(("stored_password", "status"), [(NEW_PASSWORD, 401), (PASSWORD, 200)])
async def test_a_login_is_checked_again_if_the_hash_was_replaced_meanwhile(
    server: InProcessServer, superuser: Any, stored_password: str, status: int
) -> None:
    """It fails if the password was changed, and succeeds if the same one was hashed again."""
    ann = await server.person("ann")
    async with locked_account(superuser, ann.id):
        login = asyncio.create_task(_log_in(server))
        await until_blocked(superuser)
        await _store_hash(superuser, ann, stored_password)
    response = await login

    assert response.status_code == status
    sessions = (await ann.get("/api/auth/sessions"))["sessions"]
    assert len(sessions) == (2 if status == 200 else 1)


async def test_logins_at_once_with_an_outdated_hash_all_succeed(
    server: InProcessServer, superuser: Any
) -> None:
    """The first one replaces the hash; the others are checked against the new one."""
    ann = await server.person("ann")
    await _store_hash(superuser, ann, PASSWORD, time_cost=1, memory_cost=8_192)
    responses = await asyncio.gather(*(_log_in(server) for _ in range(4)))

    assert [response.status_code for response in responses] == [200] * 4
    query = "SELECT password_hash FROM rustygpt.users WHERE id = $1"
    assert "m=64" in await superuser.fetchval(query, ann.id)


async def _status(server: InProcessServer, cookies: dict[str, str]) -> int:
    header = {"Cookie": f"SESSION_ID={cookies['SESSION_ID']}"}
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        return (await client.get("/api/auth/me", headers=header)).status_code


async def test_a_password_change_ends_every_other_token(server: InProcessServer) -> None:
    """A copy of the session's cookie is dead, one that was rotated a moment ago included."""
    ann, other = await server.person("ann"), await server.sign_in("ann")
    rotated_cookies = dict(ann.client.cookies)
    await ann.post("/api/auth/refresh", None)
    copied_cookies = dict(ann.client.cookies)
    ann.csrf = copied_cookies["CSRF-TOKEN"]
    assert [await _status(server, c) for c in (rotated_cookies, copied_cookies)] == [200, 200]
    await server.change_password(ann, NEW_PASSWORD)

    dead = (rotated_cookies, copied_cookies, dict(other.client.cookies))
    assert [await _status(server, cookies) for cookies in dead] == [401, 401, 401]
    assert (await ann.client.get("/api/auth/me")).status_code == 200


async def test_a_password_change_closes_all_streams(server: InProcessServer) -> None:
    """Other sessions have ended; with its new cookies the own session reconnects without loss."""
    ann, other = await server.person("ann"), await server.sign_in("ann")
    conversation = await ann.conversation()
    position = (await ann.get(f"/api/conversations/{conversation}"))["last_event_id"]
    async with ann.follow(conversation) as own, other.follow(conversation) as stream:
        await own.next("stream.open")
        await stream.next("stream.open")
        await server.change_password(ann, NEW_PASSWORD)
        reasons = [(await one.rest())[-1]["payload"]["reason"] for one in (own, stream)]
    root_id = await ann.root(conversation)
    async with ann.follow(conversation, position) as reconnected:
        event = await reconnected.next("thread.new")

    assert reasons == ["password_changed", "session_ended"]
    assert event["payload"]["root_id"] == root_id


@pytest.mark.parametrize("by_administrator", [False, True])
async def test_a_copied_cookie_is_dead_in_every_process(
    start_server: StartServer, *, by_administrator: bool
) -> None:
    """When the response arrives, also at a process that no message has reached."""
    async with redis_server() as redis:
        sse = Sse(backplane=BackplaneSettings(url=redis.url))
        settings = Settings(sse=sse, db=Db(max_connections=4))
        async with two_servers(start_server, {}, settings=settings) as two:
            second = two.second
            await second.components.background.stop()
            await second.components.stream_revalidator.poll_access_changes()
            copied_cookies = dict(two.ann.client.cookies)
            assert await _status(second, copied_cookies) == 200
            redis.freeze(on=True)
            if by_administrator:
                path, body = f"/api/admin/users/{two.ann.id}", {"password": NEW_PASSWORD}
                await two.first.settled(two.first.people["admin"].call("PATCH", path, body))
            else:
                await two.first.change_password(two.ann, NEW_PASSWORD)
            status = await _status(second, copied_cookies)
            redis.freeze(on=False)

    assert status == 401
