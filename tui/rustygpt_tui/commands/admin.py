"""The commands `admin users`: accounts, for administrators."""

from typing import get_args

import click

from rustygpt_shared.models.users import AdminUser
from rustygpt_shared.requests import CreateUser, GlobalRole, UpdateUser
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request, password
from rustygpt_tui.commands.output import Columns

ROLES = get_args(GlobalRole)

USERS: Columns[AdminUser] = {
    "ID": lambda u: str(u.id),
    "USER": lambda u: u.username,
    "NAME": lambda u: u.display_name,
    "E-MAIL": lambda u: u.email,
    "ROLES": lambda u: ",".join(u.roles),
    "DISABLED": lambda u: u.disabled_at,
}


@command("list")
async def list_users(context: CommandContext) -> None:
    """List every account, by user name."""
    async with context.client() as client:
        context.out.rows([user async for user in pages.users(client)], USERS)


@command("create")
@click.argument("username")
@click.option("--email", required=True, help="The e-mail address.")
@click.option("--display-name", help="The name that others see.")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="May be repeated.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
async def create_user(
    context: CommandContext,
    username: str,
    email: str,
    display_name: str | None,
    roles: tuple[GlobalRole, ...],
    password_stdin: bool,
) -> None:
    """Create an account."""
    request = build_request(
        CreateUser,
        username=username,
        email=email,
        password=password(context, from_stdin=password_stdin, twice=True),
        display_name=display_name,
        roles=list(roles) or None,
    )
    async with context.client() as client:
        _print_user(context, await client.create_user(request))


@command("disable")
@click.argument("user", metavar="U")
async def disable_user(context: CommandContext, user: str) -> None:
    """Disable an account; its sessions end."""
    await _update(context, user, UpdateUser(disabled=True))


@command("enable")
@click.argument("user", metavar="U")
async def enable_user(context: CommandContext, user: str) -> None:
    """Enable a disabled account."""
    await _update(context, user, UpdateUser(disabled=False))


@command("roles")
@click.argument("user", metavar="U")
@click.argument("roles", metavar="ROLE...", nargs=-1, required=True, type=click.Choice(ROLES))
async def set_roles(context: CommandContext, user: str, roles: tuple[GlobalRole, ...]) -> None:
    """Replace the roles of an account with these."""
    await _update(context, user, UpdateUser(roles=list(roles)))


@command("sign-out", json=False)
@click.argument("user", metavar="U")
async def end_user_sessions(context: CommandContext, user: str) -> None:
    """End all sessions of an account; its personal tokens stay."""
    async with context.client() as client:
        await client.end_user_sessions(await resolve.account(client, user))
        context.out.note(f"The sessions of {user} have ended.")


async def _update(context: CommandContext, user: str, request: UpdateUser) -> None:
    async with context.client() as client:
        user_id = await resolve.account(client, user)
        _print_user(context, await client.update_user(user_id, request))


def _print_user(context: CommandContext, user: AdminUser) -> None:
    context.out.record(
        user,
        {
            "User": user.username,
            "Name": user.display_name,
            "E-mail": user.email,
            "Roles": ", ".join(user.roles) or "none",
            "Disabled": user.disabled_at,
            "ID": str(user.id),
        },
    )
