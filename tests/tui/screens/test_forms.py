"""The forms to sign in and to set up a server."""

from tests.support.fakes.fake_chat_server import fake_chat_server
from tests.tui.app_driver import AppDriver, running_app
from textual import events
from textual.widgets import Input


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


async def test_an_account_is_created_where_the_server_allows_it() -> None:
    """The form asks for an invite's link if one is needed."""
    async with fake_chat_server() as chat:
        chat.registration = "invite"
        async with running_app(chat) as driver:
            await driver.until("Create an account …")
            driver.app.screen.query_one("#register").focus()
            await driver.pilot.press("enter")
            await driver.until("Link of your invite")
            for word in (
                "ann",
                "ann@example.org",
                "correct horse",
                f"{chat.origin}/#/invite/rgpi_x",
            ):
                driver.app.screen.focused.value = word  # type: ignore[union-attr]
                await driver.pilot.press("enter")
            await driver.until("● live")
            request = next(r for r in chat.http.requests if r.path == "/api/auth/register")
            assert b'"invite_token":"rgpi_x"' in request.body


async def test_escape_leads_back_to_the_sign_in() -> None:
    """From the form of a new account, with Enter directly after it; no button sends a form."""
    async with fake_chat_server() as chat:
        chat.registration = "open"
        async with running_app(chat) as driver:
            await driver.until("Create an account …")
            driver.app.screen.query_one("#register").focus()
            await driver.pilot.press("enter")
            await driver.until("Create and sign in")
            for _ in range(5):
                await driver.pilot.press("escape", "enter", "x")
                await driver.until(lambda: _is_new_form_with(driver, "x"))
            fields = driver.app.screen.query(Input)
            for field, text in zip(fields, ("ann", "ann@x.org", "correct horse"), strict=False):
                field.value = text
            driver.app.screen.query_one("#back").focus()
            await driver.pilot.press("enter")
            await driver.until("Create an account …")
            await driver.pilot.pause(0.1)
            assert not [r for r in chat.http.requests if r.method == "POST"]
            assert "is wrong" not in driver.text()


async def test_no_account_is_offered_where_registration_is_closed() -> None:
    """The form has one button."""
    async with fake_chat_server() as chat, running_app(chat) as driver:
        await driver.until(lambda: chat.http.request_count("GET", "/api/setup") == 2)
        assert "Create an account" not in driver.text()


def _is_new_form_with(driver: AppDriver, name: str) -> bool:
    fields = driver.app.screen.query("#username").results(Input)
    return [field.value for field in fields] == [name]
