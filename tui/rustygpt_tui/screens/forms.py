"""The forms to sign in, register, and set up the first administrator; a failure keeps the text."""

from contextlib import suppress

from textual import work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Input, Static

from rustygpt_shared.models.users import User
from rustygpt_shared.requests import Register, SetUp
from rustygpt_shared.settings import RegistrationMode
from rustygpt_tui.client.cookies import is_loopback
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.invites import invite_token
from rustygpt_tui.conversation.view_models import validation_sentence
from rustygpt_tui.errors import ClientError, Forbidden
from rustygpt_tui.render.text import one_line
from rustygpt_tui.screens.browser_sign_in import BrowserSignInScreen
from rustygpt_tui.widgets.bindings import bindings
from rustygpt_tui.widgets.controls import Button
from rustygpt_tui.widgets.form import FailureLine, FormFields


class FormScreen(Screen[User]):
    """Fields, one button and a failure line; dismissed with the user who signed in."""

    HEADING = ""
    BUTTON = ""

    def __init__(self, client: Client, notice: str = "") -> None:
        """`notice` is shown above the fields, such as why the user has to sign in again."""
        super().__init__()
        self._client = client
        self._notice = notice

    def compose(self) -> ComposeResult:
        """Create the card in the middle of the screen."""
        origin = one_line(self._client.origin)
        heading = Content.styled(self.HEADING, "bold $text-primary")
        with Vertical(classes="card"):
            with FormFields(classes="fields"):
                yield Static(heading, classes="card-title")
                yield Static(Content.styled(origin, "$foreground 60%"), classes="card-note")
                if self._notice:
                    yield Static(Content(self._notice), classes="card-note")
                yield from self.fields()
                yield Button(self.BUTTON, variant="primary", id="submit")
                yield from self.other_buttons()
            yield FailureLine()

    def fields(self) -> ComposeResult:
        """Create the fields of this form."""
        yield from ()

    def other_buttons(self) -> ComposeResult:
        """Create buttons below the one that sends the form."""
        yield from ()

    async def submit(self) -> User:
        """Send the form and return the user.

        Raises ClientError, or ValueError when a field is invalid.
        """
        raise NotImplementedError

    def on_mount(self) -> None:
        """Move the focus to the first field."""
        self.query(Input).first().focus()

    def value(self, id: str) -> str:
        """Return the text of a field."""
        return self.query_one(f"#{id}", Input).value

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Move the focus to the next empty field, or send the form when none is empty."""
        event.stop()
        empty = [field for field in self.query(Input) if field.display and not field.value]
        required = [field for field in empty if not field.has_class("optional")]
        if required:
            required[0].focus()
        else:
            self._send()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Send the form; Textual calls this one besides that of a subclass."""
        event.stop()
        if event.button.id == "submit":
            self._send()

    @work(group="form", exclusive=True, exit_on_error=False)
    async def _send(self) -> None:
        button = self.query_one("#submit", Button)
        button.disabled = True
        try:
            user = await self.submit()
        except ClientError as failure:
            self.show_failure(failure.sentence)
            self.on_failure(failure)
        except ValueError as error:
            self.show_failure(validation_sentence(error))
        else:
            self.dismiss(user)
        finally:
            button.disabled = False

    def on_failure(self, failure: ClientError) -> None:
        """Called after a failure was shown."""

    def show_failure(self, text: str) -> None:
        """Show a failure; the fields are kept."""
        self.query_one(FailureLine).show(text)


class LogInScreen(FormScreen):
    """Signs in with name and password."""

    HEADING = "Sign in"
    BUTTON = "Sign in"
    _registration: RegistrationMode = "closed"

    def fields(self) -> ComposeResult:
        """Create the fields for name and password."""
        yield Input(placeholder="User name or e-mail address", id="name")
        yield Input(placeholder="Password", password=True, id="password")

    def other_buttons(self) -> ComposeResult:
        """Create the buttons that lead to other forms.

        That of the registration is hidden until it is known to be open.
        """
        yield Button("Sign in with a browser …", id="browser")
        button = Button("Create an account …", id="register")
        button.display = False
        yield button

    def on_mount(self) -> None:
        """Ask the server who may register."""
        self._offer_registration()

    @work(group="registration", exclusive=True, exit_on_error=False)
    async def _offer_registration(self) -> None:
        with suppress(ClientError):
            self._registration = (await self._client.show_setup()).registration
            self.query_one("#register").display = self._registration != "closed"

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Show the form for a new account, or the code for a browser."""

        def on_signed_in(user: User | None) -> None:
            if user:
                self.dismiss(user)

        if event.button.id == "browser":
            self.app.push_screen(BrowserSignInScreen(self._client), on_signed_in)
        if event.button.id != "register":
            return
        needs_invite = self._registration == "invite"
        screen = RegisterScreen(self._client, needs_invite=needs_invite)
        self.app.push_screen(screen, on_signed_in)

    async def submit(self) -> User:
        """Start a session."""
        login = await self._client.log_in(self.value("name").strip(), self.value("password"))
        return login.user


class RegisterScreen(FormScreen):
    """Creates an account, and signs in as its user; escape goes back."""

    BINDINGS = bindings("dialog")
    HEADING = "Create an account"
    BUTTON = "Create and sign in"

    def __init__(self, client: Client, *, needs_invite: bool) -> None:
        super().__init__(client)
        self._needs_invite = needs_invite

    def fields(self) -> ComposeResult:
        """Create the fields of the account, and one for an invite."""
        yield Input(placeholder="User name", id="username")
        yield Input(placeholder="E-mail address", id="email")
        yield Input(placeholder="Password, 8 characters or more", password=True, id="password")
        hint = "Link of your invite" if self._needs_invite else "Link of an invite, if you have one"
        yield Input(placeholder=hint, id="invite", classes="" if self._needs_invite else "optional")

    def other_buttons(self) -> ComposeResult:
        """Create the button that goes back."""
        yield Button("Back", id="back")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Go back."""
        if event.button.id == "back":
            self.dismiss(None)

    async def submit(self) -> User:
        """Create the account, and start a session."""
        invite = self.value("invite").strip()
        request = Register(
            username=self.value("username").strip(),
            email=self.value("email").strip(),
            password=self.value("password"),
            invite_token=invite_token(invite, self._client.origin) if invite else None,
        )
        return (await self._client.register(request)).user


class SetUpScreen(FormScreen):
    """Creates the first administrator of a new server, and signs in as that user."""

    HEADING = "Welcome: name the first administrator"
    BUTTON = "Create and sign in"

    def fields(self) -> ComposeResult:
        """Create the fields of the account, and one for the set-up token."""
        yield Input(placeholder="User name", id="username")
        yield Input(placeholder="E-mail address", id="email")
        yield Input(placeholder="Password, 8 characters or more", password=True, id="password")
        yield Input(
            placeholder="Set-up token, printed by the server at its first start",
            id="token",
            classes="optional",
        )

    def on_mount(self) -> None:
        """Show the field for the token when the server is on another machine."""
        self.query_one("#token").display = not is_loopback(self._client.origin)

    def on_failure(self, failure: ClientError) -> None:
        """Show the field for the token when the server requires it."""
        if isinstance(failure, Forbidden):
            self.query_one("#token").display = True

    async def submit(self) -> User:
        """Create the account, and sign in."""
        token = self.value("token").strip()
        request = SetUp(
            username=self.value("username").strip(),
            email=self.value("email").strip(),
            password=self.value("password"),
            setup_token=token or None,
        )
        await self._client.set_up(request)
        login = await self._client.log_in(request.username, request.password)
        return login.user
