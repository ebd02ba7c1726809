"""The login of devices over HTTP: a terminal with a code, and a person who confirms it."""

import asyncio
import re
from typing import Any

import httpx
import pytest
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    StartServer,
    in_process_server,
)

from rustygpt_shared.settings import Db, RateLimits, Server, Settings


async def _begin(server: InProcessServer, name: str | None = "laptop") -> Any:
    """Return the codes of a new device."""
    body = {"client_name": name} if name else {}
    async with httpx.AsyncClient(base_url=server.url) as device:
        response = await device.post("/api/auth/device", json=body)
    assert response.status_code == 200, response.text
    return response.json()


async def _poll(server: InProcessServer, codes: Any, url: str = "") -> httpx.Response:
    body = {"device_code": codes["device_code"]}
    async with httpx.AsyncClient(base_url=url or server.url) as device:
        return await device.post("/api/auth/device/token", json=body)


async def _refusal(server: InProcessServer, codes: Any) -> str:
    """Return the end of the code with which a device is refused."""
    response = await _poll(server, codes)
    assert response.status_code == 400, response.text
    return str(response.json()["code"]).removeprefix("RGP.DEVICE.")


async def _decide(user: HttpUser, codes: Any, *, approve: bool = True, expect: int = 204) -> Any:
    body = {"user_code": codes["user_code"], "approve": approve}
    return await user.call("POST", "/device", body, expect=expect)


async def test_a_device_is_signed_in_once(server: InProcessServer) -> None:
    """The person sees which device asks; the device gets a session and its cookies."""
    ann = await server.person("ann")
    codes = await _begin(server)
    assert await _refusal(server, codes) == "AUTHORIZATION_PENDING"
    shown = await ann.get(f"/api/auth/device?user_code={codes['user_code'].lower()}")
    await _decide(ann, codes)
    response = await _poll(server, codes)
    again = await _refusal(server, codes)

    audited = await server.people["admin"].get("/api/admin/audit?action=device.approved")
    assert [one["actor_name"] for one in audited["entries"]] == ["ann"]
    assert codes["verification_uri"] == f"{server.url}/device"
    assert codes["verification_uri_complete"].endswith(f"?user_code={codes['user_code']}")
    assert (codes["interval"], codes["expires_in"]) == (5, 600)
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", codes["device_code"])
    assert re.fullmatch("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", codes["user_code"])
    assert (shown["client_name"], shown["address"]) == ("laptop", "127.0.0.1")
    assert response.json()["user"]["id"] == str(ann.id)
    assert {c.partition("=")[0] for c in response.headers.get_list("set-cookie")} == {
        "SESSION_ID",
        "CSRF-TOKEN",
    }
    assert again == "EXPIRED_TOKEN"


async def test_one_of_several_polls_gets_the_session(server: InProcessServer) -> None:
    """An approval is exchanged once, also under a race."""
    ann = await server.person("ann")
    codes = await _begin(server)
    await _decide(ann, codes)
    responses = await asyncio.gather(*(_poll(server, codes) for _ in range(4)))

    assert sorted(response.status_code for response in responses) == [200, 400, 400, 400]


async def test_a_device_that_is_denied_learns_it(server: InProcessServer) -> None:
    """The first decision holds."""
    ann = await server.person("ann")
    codes = await _begin(server)
    await _decide(ann, codes, approve=False)
    await _decide(ann, codes, expect=404)

    assert await _refusal(server, codes) == "ACCESS_DENIED"


async def test_codes_expire(server: InProcessServer) -> None:
    """After ten minutes, for the device and for the person."""
    ann = await server.person("ann")
    codes = await _begin(server)
    server.clock.advance(600)
    await _decide(ann, codes, expect=404)

    assert await _refusal(server, codes) == "EXPIRED_TOKEN"
    assert await _refusal(server, {"device_code": "unknown"}) == "EXPIRED_TOKEN"


async def test_a_device_that_polls_too_often_has_to_wait_longer(server: InProcessServer) -> None:
    """Each time by five seconds (RFC 8628, 3.5)."""
    codes = await _begin(server)
    answers = []
    for seconds in (0, 5, 3, 5, 9, 20):
        server.clock.advance(seconds)
        answers.append(await _refusal(server, codes))

    pending, slow = "AUTHORIZATION_PENDING", "SLOW_DOWN"
    assert answers == [pending, pending, slow, slow, slow, pending]


async def test_guesses_of_a_code_are_few(server: InProcessServer) -> None:
    """A person may enter ten codes, of which even the right one is refused afterwards."""
    ann, bob = await server.person("ann"), await server.person("bob")
    codes = await _begin(server)
    for _ in range(10):
        await ann.get("/api/auth/device?user_code=BCDFGHJK", expect=404)
    await _decide(ann, codes, expect=429)
    await ann.get(f"/api/auth/device?user_code={codes['user_code']}", expect=429)
    await _decide(bob, codes)


async def test_a_confirmation_is_protected(server: InProcessServer) -> None:
    """It needs a session and its CSRF token; a personal token cannot confirm."""
    ann = await server.person("ann")
    codes = await _begin(server)
    body = {"user_code": codes["user_code"], "approve": True}
    program = server.token_user(await ann.create_token("read", "write"), ann)
    assert (await ann.client.post("/device", json=body)).status_code == 403
    await program.call("POST", "/device", body, expect=403)
    async with httpx.AsyncClient(base_url=server.url) as nobody:
        assert (await nobody.post("/device", json=body)).status_code == 401
        shown = await nobody.get(f"/api/auth/device?user_code={codes['user_code']}")
        assert shown.status_code == 401

    assert await _refusal(server, codes) == "AUTHORIZATION_PENDING"


@pytest.mark.parametrize("change", ["password", "admin password", "sessions", "disabled"])
async def test_an_approval_ends_with_the_sessions_of_the_account(
    server: InProcessServer, change: str
) -> None:
    """A device that has not asked yet gets no session after a change of the password."""
    ann = await server.person("ann")
    codes = await _begin(server)
    await _decide(ann, codes)
    admin = server.people["admin"]
    path = f"/api/admin/users/{ann.id}"
    if change == "password":
        await server.change_password(ann, "another pass phrase")
    elif change == "admin password":
        body = {"password": "another pass phrase"}
        await server.settled(admin.call("PATCH", path, body))
    elif change == "sessions":
        await admin.call("DELETE", f"{path}/sessions", expect=204)
    else:
        await admin.call("PATCH", path, {"disabled": True})

    assert await _refusal(server, codes) in ("EXPIRED_TOKEN", "ACCESS_DENIED")


async def test_another_process_finishes_a_login(
    start_server: StartServer, server: InProcessServer
) -> None:
    """The device asks one server, the person confirms at another."""
    ann = await server.person("ann")
    context = server.components.context
    async with in_process_server(context.pool_url, context.pool_login, clock=server.clock) as other:
        codes = await _begin(other)
        await _decide(ann, codes)
        response = await _poll(other, codes)

    assert response.status_code == 200


async def test_the_page_gets_the_code_in_its_address(server: InProcessServer) -> None:
    """Only if it is one: nothing else of the request is repeated."""
    async with httpx.AsyncClient(base_url=server.url) as browser:
        for query, location in (
            ("", "/#/device"),
            ("?user_code=bcdf-ghjk", "/#/device?user_code=BCDFGHJK"),
            ("?user_code=<script>", "/#/device"),
            ("?user_code=BCDFGHJA", "/#/device"),
        ):
            response = await browser.get(f"/device{query}")
            assert (response.status_code, response.headers["location"]) == (303, location)


async def test_a_name_of_a_device_is_visible_text(server: InProcessServer) -> None:
    """Without one it is the user agent."""
    ann = await server.person("ann")
    async with httpx.AsyncClient(base_url=server.url) as device:
        for name in ("a\u202eb", "\x1b[2J", " ", "x" * 65):
            response = await device.post("/api/auth/device", json={"client_name": name})
            assert response.status_code == 422
    codes = await _begin(server, None)
    shown = await ann.get(f"/api/auth/device?user_code={codes['user_code']}")

    assert shown["client_name"].startswith("python-httpx")


async def test_the_address_is_the_configured_one(start_server: StartServer) -> None:
    """Requests for codes count as logins of their address."""
    settings = Settings(
        server=Server(public_base_url="https://chat.example.org/"),
        rate_limits=RateLimits(auth_login_per_ip_per_min=2),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        assert (await _begin(server))["verification_uri"] == "https://chat.example.org/device"
        await _begin(server)
        async with httpx.AsyncClient(base_url=server.url) as device:
            assert (await device.post("/api/auth/device")).status_code == 429
