"""Accounts that a provider signs in, without a password: unlinking, and the first password."""

from tests.support.servers.in_process_server import StartServer
from tests.support.servers.provider_site import site


async def test_unlinking_leaves_a_way_to_sign_in(start_server: StartServer) -> None:
    """The last identity of an account without a password stays until a password is set."""
    async with site(start_server) as here, here.browser() as browser:
        await here.sign_in(browser)
        csrf = {"X-CSRF-TOKEN": browser.cookies["CSRF-TOKEN"]}
        [linked] = (await browser.get("/api/auth/identities")).json()["identities"]
        path = f"/api/auth/identities/{linked['id']}"
        assert (await browser.delete(path, headers=csrf)).status_code == 409
        for password in ("", "wrong one"):
            body = {"email": "ann.lee", "password": password}
            assert (await browser.post("/api/auth/login", json=body)).status_code == 401
        body = {"current_password": "", "new_password": "a new pass phrase"}
        setting = browser.post("/api/auth/password", json=body, headers=csrf)
        response = await here.server.settled(setting)
        assert response.status_code == 200, response.text
        csrf = {"X-CSRF-TOKEN": response.json()["csrf_token"]}
        again = await browser.post("/api/auth/password", json=body, headers=csrf)
        assert again.status_code == 401
        assert (await browser.delete(path, headers=csrf)).status_code == 204
        assert (await browser.delete(path, headers=csrf)).status_code == 404
        login = {"email": "ann.lee", "password": "a new pass phrase"}
        assert (await browser.post("/api/auth/login", json=login)).status_code == 200


async def test_a_first_password_needs_a_recent_sign_in(start_server: StartServer) -> None:
    """A cookie that was left somewhere does not become an account of its finder."""
    async with site(start_server) as here, here.browser() as browser:
        await here.sign_in(browser)
        csrf = {"X-CSRF-TOKEN": browser.cookies["CSRF-TOKEN"]}
        here.server.clock.advance(601)
        body = {"current_password": "", "new_password": "a new pass phrase"}
        response = await browser.post("/api/auth/password", json=body, headers=csrf)
        assert response.status_code == 403


async def test_a_device_that_an_old_session_has_confirmed_sets_no_first_password(
    start_server: StartServer,
) -> None:
    """Its session is new, but nobody has signed in by the provider."""
    async with site(start_server) as here, here.browser() as browser, here.browser() as device:
        await here.sign_in(browser)
        here.server.clock.advance(601)
        codes = (await device.post("/api/auth/device", json={})).json()
        body: dict[str, object] = {"user_code": codes["user_code"], "approve": True}
        csrf = {"X-CSRF-TOKEN": browser.cookies["CSRF-TOKEN"]}
        assert (await browser.post("/device", json=body, headers=csrf)).status_code == 204
        body = {"device_code": codes["device_code"]}
        assert (await device.post("/api/auth/device/token", json=body)).status_code == 200
        body = {"current_password": "", "new_password": "a new pass phrase"}
        csrf = {"X-CSRF-TOKEN": device.cookies["CSRF-TOKEN"]}
        refused = await device.post("/api/auth/password", json=body, headers=csrf)
        assert refused.status_code == 403
