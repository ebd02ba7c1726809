"""The command `register`: an account for oneself."""

import click

from rustygpt_shared.models.users import Me
from rustygpt_shared.requests import Register
from rustygpt_tui.client.invites import invite_token
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request, password, prompt
from rustygpt_tui.commands.report import report_signed_in


@command("register")
@click.option("--username", help="The new account's user name.")
@click.option("--email", help="The new account's e-mail address.")
@click.option("--display-name", help="The name that others see.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option("--invite", metavar="TOKEN", help="An invite's link or token.")
async def register(
    context: CommandContext,
    username: str | None,
    email: str | None,
    display_name: str | None,
    password_stdin: bool,
    invite: str | None,
) -> None:
    """Create an account for yourself, and sign in; with an invite, join its conversation."""
    context.reject_token()
    async with context.client() as client:
        request = build_request(
            Register,
            username=username or prompt(context, "User name", "--username"),
            email=email or prompt(context, "E-mail address", "--email"),
            password=password(context, from_stdin=password_stdin, twice=True),
            display_name=display_name,
            invite_token=invite and invite_token(invite, client.origin),
        )
        login = await client.register(request, account=context.account)
        report_signed_in(context, client, Me(login.user, login.session))
