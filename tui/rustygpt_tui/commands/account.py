"""The commands `setup`, `login`, `me`, `password`, `logout` and `sessions`: one's own account."""

import click

from rustygpt_shared.models.users import Me, OwnSession
from rustygpt_shared.requests import ChangePassword, SetUp
from rustygpt_tui.client.session import checked_token
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.device_login import log_in_with_device
from rustygpt_tui.commands.inputs import build_request, password, prompt, secret_line
from rustygpt_tui.commands.output import Columns
from rustygpt_tui.commands.report import report_signed_in, user_fields
from rustygpt_tui.commands.resolve import full_id, select_one
from rustygpt_tui.errors import UsageError

SESSIONS: Columns[OwnSession] = {
    "ID": lambda s: str(s.id),
    "CURRENT": lambda s: s.current,
    "LAST SEEN": lambda s: s.last_seen_at,
    "ENDS": lambda s: s.expires_at,
    "ADDRESS": lambda s: s.address,
    "AGENT": lambda s: s.user_agent,
}


@command("setup")
@click.option("--username", help="The first administrator's user name.")
@click.option("--email", help="The first administrator's e-mail address.")
@click.option("--display-name", help="The name that others see.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--setup-token", help="The server's one-time token; required from another machine.")
async def set_up(
    context: CommandContext,
    username: str | None,
    email: str | None,
    display_name: str | None,
    password_stdin: bool,
    setup_token: str | None,
) -> None:
    """Create the first administrator of a new server, and sign in."""
    context.reject_token()
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
        context.out.record(user, user_fields(user))
        context.out.note(f"The server is set up, and you are signed in as {user.username}.")


@command("login")
@click.option("--email", metavar="NAME", help="The e-mail address or user name.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--token-stdin", is_flag=True, help="Sign in with a token from standard input.")
@click.option("--device", is_flag=True, help="Show a code that you confirm in a browser.")
@click.option("--github", is_flag=True, help="Show a code that you enter at GitHub.")
@click.option("--invite", metavar="TOKEN", help="With --github: an invite, for a new account.")
async def log_in(
    context: CommandContext,
    email: str | None,
    password_stdin: bool,
    token_stdin: bool,
    device: bool,
    github: bool,
    invite: str | None,
) -> None:
    """Sign in and save the session; sessions of several accounts and servers can be saved."""
    context.reject_token()
    if token_stdin + device + github > 1:
        raise UsageError("--token-stdin, --device and --github exclude each other; give one.")
    if (token_stdin or device or github) and (email or password_stdin):
        raise UsageError("This needs neither a name nor a password; give one of the two.")
    if invite and not github:
        raise UsageError("--invite goes with --github; `rustygpt register` takes one as well.")
    if token_stdin:
        await _log_in_with_token(context)
    elif device or github:
        await log_in_with_device(context, provider="github" if github else None, invite=invite)
    else:
        await _log_in_with_password(context, email, from_stdin=password_stdin)


async def _log_in_with_password(
    context: CommandContext, email: str | None, *, from_stdin: bool
) -> None:
    name = email or prompt(context, "E-mail address or user name", "--email")
    secret = password(context, from_stdin=from_stdin)
    async with context.client() as client:
        login = await client.log_in(name, secret, account=context.account)
        report_signed_in(context, client, Me(login.user, login.session))


async def _log_in_with_token(context: CommandContext) -> None:
    token = checked_token(secret_line("token"))
    async with context.client() as client:
        me = await client.log_in_with_token(token, account=context.account)
        report_signed_in(context, client, me)


@command("me")
async def show_me(context: CommandContext) -> None:
    """Show who is signed in, and where."""
    async with context.client() as client:
        me = await client.me()
        ends = me.session.expires_at if me.session else None
        fields = {**user_fields(me.user), "Server": client.origin, "Session ends": ends}
        context.out.record(me, fields)


@command("password", json=False)
@click.option(
    "--password-stdin",
    is_flag=True,
    help="Read the current password, if there is one, and the new one, each on a line.",
)
async def change_password(context: CommandContext, password_stdin: bool) -> None:
    """Change your password, or set your first one; your other sessions end, and tokens stay."""
    context.reject_token()
    async with context.client() as client:
        old = ""
        if (await client.list_identities()).has_password:
            old = password(context, from_stdin=password_stdin, label="Current password")
        else:
            context.out.note("Your account has no password yet; this is its first one.")
        new = password(context, from_stdin=password_stdin, twice=True, label="New password")
        request = build_request(ChangePassword, current_password=old, new_password=new)
        await client.change_password(request)
        context.out.note("Your password is changed, and your other sessions have ended.")


@command("logout", json=False)
async def log_out(context: CommandContext) -> None:
    """End the session at the server, and delete it here; a saved token is only deleted here."""
    context.reject_token()
    async with context.client() as client:
        await client.log_out()
        context.out.note(f"You are signed out of {client.origin}.")


@command("list")
async def list_sessions(context: CommandContext) -> None:
    """List your sessions, newest first."""
    async with context.client() as client:
        context.out.rows((await client.list_sessions()).sessions, SESSIONS)


@command("revoke", json=False)
@click.argument("session")
async def end_session(context: CommandContext, session: str) -> None:
    """End one of your sessions, by its id or the beginning of the id."""
    async with context.client() as client:
        session_id = full_id(session)
        if session_id is None:
            sessions = (await client.list_sessions()).sessions
            session_id = select_one(sessions, session, "session", lambda s: s.id, lambda _: []).id
        await client.end_session(session_id)
        context.out.note("The session has ended.")
