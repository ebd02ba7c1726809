"""admin users: accounts, for administrators."""

from typing import get_args

import click

from rustygpt_shared.models.users import AdminUser
from rustygpt_shared.requests import CreateUser, GlobalRole, UpdateUser
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.base import Call, command
from rustygpt_tui.commands.inputs import made, password
from rustygpt_tui.commands.output import Columns

ROLES = get_args(GlobalRole)

TABLE: Columns[AdminUser] = {
    "ID": lambda u: str(u.id),
    "USER": lambda u: u.username,
    "NAME": lambda u: u.display_name,
    "E-MAIL": lambda u: u.email,
    "ROLES": lambda u: ",".join(u.roles),
    "DISABLED": lambda u: u.disabled_at,
}


@command("list")
async def list_users(call: Call) -> None:
    """Every account, by user name."""
    async with call.client() as client:
        call.out.rows([user async for user in pages.users(client)], TABLE)


@command("create")
@click.argument("username")
@click.option("--email", required=True, help="The e-mail address.")
@click.option("--display-name", help="The name others see.")
@click.option("--role", "roles", multiple=True, type=click.Choice(ROLES), help="May be repeated.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
async def create(
    call: Call,
    username: str,
    email: str,
    display_name: str | None,
    roles: tuple[GlobalRole, ...],
    password_stdin: bool,
) -> None:
    """Make an account."""
    request = made(
        CreateUser,
        username=username,
        email=email,
        password=password(call, from_stdin=password_stdin, twice=True),
        display_name=display_name,
        roles=list(roles) or None,
    )
    async with call.client() as client:
        _record(call, await client.create_user(request))


@command("disable")
@click.argument("user", metavar="U")
async def disable(call: Call, user: str) -> None:
    """Keep a person out; their sessions end."""
    await _update(call, user, UpdateUser(disabled=True))


@command("enable")
@click.argument("user", metavar="U")
async def enable(call: Call, user: str) -> None:
    """Let a person in again."""
    await _update(call, user, UpdateUser(disabled=False))


@command("roles")
@click.argument("user", metavar="U")
@click.argument("roles", metavar="ROLE...", nargs=-1, required=True, type=click.Choice(ROLES))
async def roles(call: Call, user: str, roles: tuple[GlobalRole, ...]) -> None:
    """Give an account these roles, instead of those it has."""
    await _update(call, user, UpdateUser(roles=list(roles)))


async def _update(call: Call, user: str, request: UpdateUser) -> None:
    async with call.client() as client:
        found = await resolve.account(client, user)
        _record(call, await client.update_user(found, request))


def _record(call: Call, user: AdminUser) -> None:
    call.out.record(
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
