"""The commands below `tokens`: personal tokens, with which programs sign in."""

import click

from rustygpt_shared.models.tokens import PersonalToken, Scope
from rustygpt_shared.requests import CreateToken
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request
from rustygpt_tui.commands.output import Columns
from rustygpt_tui.commands.resolve import full_id, select_one

SCOPES: tuple[Scope, ...] = ("read", "write", "admin", "v1")
TOKENS: Columns[PersonalToken] = {
    "ID": lambda t: str(t.id),
    "NAME": lambda t: t.name,
    "SCOPES": lambda t: ",".join(t.scopes),
    "CREATED": lambda t: t.created_at,
    "EXPIRES": lambda t: t.expires_at,
    "LAST USED": lambda t: t.last_used_at,
}


@command("list")
async def list_tokens(context: CommandContext) -> None:
    """List your personal tokens, newest first."""
    async with context.client() as client:
        context.out.rows((await client.list_tokens()).tokens, TOKENS)


@command("create")
@click.argument("name")
@click.option(
    "--scope", "scopes", type=click.Choice(SCOPES), multiple=True, required=True,
    help="What it permits; may be given several times.",
)  # fmt: skip
@click.option(
    "--expires", type=click.IntRange(min=1), metavar="SECONDS", help="Default: it does not expire."
)
async def create_token(
    context: CommandContext, name: str, scopes: tuple[Scope, ...], expires: int | None
) -> None:
    """Create a personal token called NAME, and print it; it is shown only here."""
    request = build_request(CreateToken, name=name, scopes=list(scopes), expires_in_seconds=expires)
    async with context.client() as client:
        created = await client.create_token(request)
        if context.out.json:
            context.out.object(created)
        else:
            context.out.line(created.token)
        context.out.note("Store the token now: it cannot be shown again.")


@command("revoke", json=False)
@click.argument("token")
async def revoke_token(context: CommandContext, token: str) -> None:
    """Revoke one of your personal tokens, by its id, the beginning of the id, or its name."""
    async with context.client() as client:
        token_id = full_id(token)
        if token_id is None:
            tokens = (await client.list_tokens()).tokens
            token_id = select_one(tokens, token, "token", lambda t: t.id, lambda t: [t.name]).id
        await client.revoke_token(token_id)
        context.out.note("The token is revoked.")
