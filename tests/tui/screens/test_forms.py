"""The forms to sign in and to set up a server."""

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.tui.app_driver import running_app
from textual import events


async def test_a_burst_of_keys_fills_the_form() -> None:
    """Names, tabs and a password sent at once reach their fields, and enter sends the form."""
    async with fake_chat_server() as chat:
        chat.is_setup = False
        async with running_app(chat) as driver:
            await driver.until("name the first administrator")
            for word in ("ann", "\t", "ann@example.org", "\t", "correct horse", "\r"):
                names = {"\t": ["tab"], "\r": ["enter"]}.get(word, list(word))
                for name in names:
                    driver.app.post_message(events.Key(name, name if len(name) == 1 else None))
            await driver.until("● live")
            request = next(
                r for r in chat.http.requests if (r.method, r.path) == ("POST", "/api/setup")
            )
            assert b'"username":"ann","email":"ann@example.org"' in request.body


async def test_enter_goes_to_the_next_empty_field() -> None:
    """The form is sent only after all required fields have a text."""
    async with fake_chat_server() as chat, running_app(chat) as driver:
        await driver.until("Sign in")
        await driver.pilot.press(*"me", "enter")
        assert driver.app.screen.focused is driver.app.screen.query_one("#password")
        assert chat.http.request_count("POST", "/api/auth/login") == 0
