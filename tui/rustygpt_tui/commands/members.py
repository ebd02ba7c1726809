"""The commands `members` and `users`: the participants of a conversation, and all users."""

from typing import get_args

import click

from rustygpt_shared.models.conversations import Participant
from rustygpt_shared.models.users import PublicUser
from rustygpt_shared.requests import ConversationRole
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.output import Columns

ROLES = get_args(ConversationRole)

PARTICIPANTS: Columns[Participant] = {
    "ID": lambda p: str(p.user_id),
    "USER": lambda p: p.username,
    "NAME": lambda p: p.display_name,
    "ROLE": lambda p: p.role,
    "JOINED": lambda p: p.joined_at,
}
USERS: Columns[PublicUser] = {
    "ID": lambda p: str(p.id),
    "USER": lambda p: p.username,
    "NAME": lambda p: p.display_name,
}


@command("list")
@click.argument("conversation", metavar="C")
async def list_members(context: CommandContext, conversation: str) -> None:
    """List the participants of a conversation."""
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        listed = await client.list_participants(conversation_id)
        context.out.rows(listed.participants, PARTICIPANTS)


@command("add", json=False)
@click.argument("conversation", metavar="C")
@click.argument("user", metavar="U")
@click.option("--role", type=click.Choice(ROLES), default="member", help="Default: member.")
async def add_participant(
    context: CommandContext, conversation: str, user: str, role: ConversationRole
) -> None:
    """Add a user to a conversation."""
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        user_id = await resolve.user(client, user)
        await client.add_participant(conversation_id, user_id, role)
        context.out.note(f"{user} was added to the conversation as {role}.")


@command("remove", json=False)
@click.argument("conversation", metavar="C")
@click.argument("user", metavar="U")
async def remove_participant(context: CommandContext, conversation: str, user: str) -> None:
    """Remove a user from a conversation; name yourself to leave it."""
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        user_id = await resolve.participant(client, conversation_id, user)
        await client.remove_participant(conversation_id, user_id)
        context.out.note(f"{user} is no longer in the conversation.")


@command("role", json=False)
@click.argument("conversation", metavar="C")
@click.argument("user", metavar="U")
@click.argument("role", type=click.Choice(ROLES))
async def set_role(
    context: CommandContext, conversation: str, user: str, role: ConversationRole
) -> None:
    """Change the role of a participant."""
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        user_id = await resolve.participant(client, conversation_id, user)
        await client.add_participant(conversation_id, user_id, role)
        context.out.note(f"{user} now has the role {role}.")


@command("users")
@click.argument("query", required=False, default="")
@click.option(
    "--limit", type=click.IntRange(1, 100), default=50, help="Users at most; default: 50."
)
async def search_users(context: CommandContext, query: str, limit: int) -> None:
    """Search users whose user name or display name starts with QUERY."""
    async with context.client() as client:
        context.out.rows((await client.search_users(query, limit=limit)).users, USERS)
