"""Signing in with a browser from the terminal chat: a code, a wait, and ways out of it."""

from tests.support.fakes.fake_chat_server import LOGGED_IN, FakeChatServer, fake_chat_server
from tests.support.fakes.fake_http_server import FakeResponse, problem
from tests.support.sample_models import cookies
from tests.tui.app_driver import AppDriver, running_app

from rustygpt_shared import problems
from rustygpt_shared.models.devices import DeviceCode

CODE = DeviceCode("secret-1", "BCDF-GHJK", "https://chat.example.org/device", 0, 600)
PENDING = problem(400, problems.DEVICE_PENDING, "Nobody has confirmed the code yet.")
TOKEN = "/api/auth/device/token"


async def _open(driver: AppDriver) -> None:
    await driver.until("Sign in with a browser …")
    await driver.focus("#browser")
    await driver.press("enter")


def _serve(chat: FakeChatServer, *answers: FakeResponse) -> None:
    chat.http.on("POST", "/api/auth/device", FakeResponse(body=CODE))
    chat.http.on("POST", TOKEN, *answers)


async def test_the_chat_opens_when_the_code_is_confirmed() -> None:
    """Address and code are on the screen meanwhile, also on a small terminal."""
    for size in ((100, 30), (60, 20)):
        async with fake_chat_server() as chat, running_app(chat, size) as driver:
            _serve(chat, PENDING)
            await _open(driver)
            await driver.until("BCDF-GHJK")
            assert "https://chat.example.org/device" in driver.text()
            assert "secret-1" not in driver.text()
            chat.signed_in = True
            chat.http.on("POST", TOKEN, FakeResponse(200, LOGGED_IN, cookies(1)))
            await driver.until("● live")


async def test_escape_ends_the_wait() -> None:
    """The form to sign in is shown again, and nobody asks any more."""
    async with fake_chat_server() as chat, running_app(chat) as driver:
        _serve(chat, PENDING)
        await _open(driver)
        await driver.until(lambda: chat.http.request_count("POST", TOKEN) > 1)
        await driver.press("escape")
        await driver.until("User name or e-mail address")
        asked = chat.http.request_count("POST", TOKEN)
        await driver.pilot.pause(0.4)
        assert chat.http.request_count("POST", TOKEN) <= asked + 1


async def test_a_refused_code_can_be_replaced() -> None:
    """The reason is shown; a button asks for a new code."""
    denied = problem(400, problems.DEVICE_DENIED, "The sign-in was refused in the browser.")
    async with fake_chat_server() as chat, running_app(chat) as driver:
        _serve(chat, denied, PENDING)
        await _open(driver)
        await driver.until("The sign-in was refused in the browser.")
        await driver.press("enter")
        await driver.until("BCDF-GHJK")
        assert chat.http.request_count("POST", "/api/auth/device") == 2
        assert "refused" not in driver.text()
