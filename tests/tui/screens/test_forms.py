"""Signing in, and naming the first administrator."""

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.tui.app_driver import running_app
from textual import events


async def test_a_burst_of_keys_fills_the_form() -> None:
    """Names, tabs and a password sent at once land in their fields, and enter sends them."""
    async with fake_chat_server() as chat:
        chat.is_setup = False
        async with running_app(chat) as driver:
            await driver.until("name the first administrator")
            for word in ("ann", "\t", "ann@example.org", "\t", "correct horse", "\r"):
                names = {"\t": ["tab"], "\r": ["enter"]}.get(word, list(word))
                for name in names:
                    driver.app.post_message(events.Key(name, name if len(name) == 1 else None))
            await driver.until("● live")
            asked = next(
                a for a in chat.http.requests if (a.method, a.path) == ("POST", "/api/setup")
            )
            assert b'"username":"ann","email":"ann@example.org"' in asked.body


async def test_enter_goes_to_the_next_empty_field() -> None:
    """Nothing is sent before everything that is needed is filled in."""
    async with fake_chat_server() as chat, running_app(chat) as driver:
        await driver.until("Sign in")
        await driver.pilot.press(*"me", "enter")
        assert driver.app.screen.focused is driver.app.screen.query_one("#password")
        assert chat.http.request_count("POST", "/api/auth/login") == 0
