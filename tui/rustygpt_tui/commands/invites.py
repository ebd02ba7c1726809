"""The commands below `invites`: inviting people to a conversation, and joining by an invite."""

from uuid import UUID

import click

from rustygpt_shared.models.invites import Invite
from rustygpt_shared.requests import ConversationRole, CreateInvite
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.invites import invite_link, invite_token
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request
from rustygpt_tui.commands.members import ROLES
from rustygpt_tui.commands.output import Columns

_TOKEN_PREFIX = "rgpi_"  # noqa: S105 - what the token of each invite begins with
INVITES: Columns[Invite] = {
    "ID": lambda i: str(i.id),
    "STATE": lambda i: i.state,
    "ROLE": lambda i: i.role,
    "E-MAIL": lambda i: i.email,
    "CREATED": lambda i: i.created_at,
    "EXPIRES": lambda i: i.expires_at,
}


@command("list")
@click.argument("conversation", metavar="C")
async def list_invites(context: CommandContext, conversation: str) -> None:
    """List the invites to a conversation, newest first."""
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        listed = [invite async for invite in client.all_invites(conversation_id)]
        context.out.rows(listed, INVITES)


@command("create")
@click.argument("conversation", metavar="C")
@click.option("--email", help="Only the account with this address may accept it.")
@click.option("--role", type=click.Choice(ROLES), default="member", help="Default: member.")
@click.option("--ttl", type=click.IntRange(min=1), metavar="SECONDS", help="Default: 86400, a day.")
async def create_invite(
    context: CommandContext,
    conversation: str,
    email: str | None,
    role: ConversationRole,
    ttl: int | None,
) -> None:
    """Create an invite to a conversation, and print its link; it is shown only here."""
    request = build_request(CreateInvite, email=email, role=role, ttl_seconds=ttl)
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        created = await client.create_invite(conversation_id, request)
        if context.out.json:
            context.out.object(created)
        else:
            context.out.line(invite_link(client.origin, created.token))
        context.out.note("Send the link to one person: it can be used once, and not shown again.")


@command("accept")
@click.argument("token")
async def accept_invite(context: CommandContext, token: str) -> None:
    """Join a conversation, with an invite's link or token."""
    async with context.client() as client:
        accepted = await client.accept_invite(invite_token(token, client.origin))
        if context.out.json:
            context.out.object(accepted)
        else:
            context.out.line(str(accepted.conversation_id))
        context.out.note(f"You have joined the conversation with the role {accepted.role}.")


@command("revoke", json=False)
@click.argument("invite", metavar="ID")
async def revoke_invite(context: CommandContext, invite: str) -> None:
    """Revoke an invite, by its id, the beginning of the id, its link or its token."""
    async with context.client() as client:
        token = invite_token(invite, client.origin)
        if not token.startswith(_TOKEN_PREFIX):
            token = str(await _invite_id(client, invite))
        await client.revoke_invite(token)
        context.out.note("The invite is revoked.")


async def _invite_id(client: Client, text: str) -> UUID:
    """Return the id of an invite to a conversation that the caller administers."""
    if exact := resolve.full_id(text):
        return exact
    listed = [
        invite
        async for conversation in pages.conversations(client)
        if conversation.role in ("owner", "admin")
        async for invite in client.all_invites(conversation.id)
    ]
    return resolve.select_one(listed, text, "invite", lambda i: i.id, lambda _: []).id
