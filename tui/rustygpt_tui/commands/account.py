"""setup, login, me, logout and sessions: who the terminal is to the server."""

import click

from rustygpt_shared.models.users import Me, User
from rustygpt_shared.requests import SetUp
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request, password, prompt
from rustygpt_tui.commands.output import Cell
from rustygpt_tui.commands.resolve import full_id, only


@command("setup")
@click.option("--username", help="The first administrator's user name.")
@click.option("--email", help="The first administrator's e-mail address.")
@click.option("--display-name", help="The name others see.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--setup-token", help="The server's one-time token, from another machine than its.")
async def setup(
    context: CommandContext,
    username: str | None,
    email: str | None,
    display_name: str | None,
    password_stdin: bool,
    setup_token: str | None,
) -> None:
    """Name the first administrator of a new server, and sign in as that person."""
    async with context.client() as client:
        request = build_request(
            SetUp,
            username=username or prompt(context, "User name", "--username"),
            email=email or prompt(context, "E-mail address", "--email"),
            password=password(context, from_stdin=password_stdin, twice=True),
            display_name=display_name,
            setup_token=setup_token,
        )
        user = await client.set_up(request)
        await client.log_in(request.username, request.password, account=context.account)
        context.out.record(user, _user(user))
        context.out.note(f"The server is set up, and you are signed in as {user.username}.")


@command("login")
@click.option("--email", metavar="NAME", help="The e-mail address or user name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
async def login(context: CommandContext, email: str | None, password_stdin: bool) -> None:
    """Sign in and keep the session; several accounts and servers may be kept side by side."""
    name = email or prompt(context, "E-mail address or user name", "--email")
    secret = password(context, from_stdin=password_stdin)
    async with context.client() as client:
        answer = await client.log_in(name, secret, account=context.account)
        context.out.record(Me(answer.user, answer.session), _user(answer.user))
        context.out.note(f"You are signed in at {client.origin} as {answer.user.username}.")


@command("me")
async def me(context: CommandContext) -> None:
    """Who is signed in, and where."""
    async with context.client() as client:
        answer = await client.me()
        ends = answer.session.expires_at if answer.session else None
        context.out.record(
            answer, {**_user(answer.user), "Server": client.origin, "Session ends": ends}
        )


@command("logout", json=False)
async def logout(context: CommandContext) -> None:
    """End the session, at the server and here."""
    async with context.client() as client:
        await client.log_out()
        context.out.note(f"You are signed out of {client.origin}.")


@command("list")
async def list_sessions(context: CommandContext) -> None:
    """Your sessions, newest first."""
    async with context.client() as client:
        answer = await client.list_sessions()
        context.out.rows(
            answer.sessions,
            {
                "ID": lambda s: str(s.id),
                "CURRENT": lambda s: s.current,
                "LAST SEEN": lambda s: s.last_seen_at,
                "ENDS": lambda s: s.expires_at,
                "ADDRESS": lambda s: s.address,
                "AGENT": lambda s: s.user_agent,
            },
        )


@command("revoke", json=False)
@click.argument("session")
async def revoke_session(context: CommandContext, session: str) -> None:
    """End one of your sessions, by its id or the beginning of it."""
    async with context.client() as client:
        found = full_id(session)
        if found is None:
            everything = (await client.list_sessions()).sessions
            found = only(everything, session, "session", lambda s: s.id, lambda _: []).id
        await client.end_session(found)
        context.out.note("The session has ended.")


def _user(user: User) -> dict[str, Cell]:
    return {
        "User": user.username,
        "Name": user.display_name,
        "E-mail": user.email,
        "Roles": ", ".join(user.roles) or None,
        "ID": str(user.id),
    }
