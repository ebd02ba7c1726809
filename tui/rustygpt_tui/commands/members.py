"""members and users: who is in a conversation, and who there is."""

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
PEOPLE: Columns[PublicUser] = {
    "ID": lambda p: str(p.id),
    "USER": lambda p: p.username,
    "NAME": lambda p: p.display_name,
}


@command("list")
@click.argument("conversation", metavar="C")
async def list_members(context: CommandContext, conversation: str) -> None:
    """Who is in a conversation."""
    async with context.client() as client:
        found = await resolve.conversation(client, conversation)
        context.out.rows((await client.list_participants(found)).participants, PARTICIPANTS)


@command("add", json=False)
@click.argument("conversation", metavar="C")
@click.argument("user", metavar="U")
@click.option("--role", type=click.Choice(ROLES), default="member", help="Default: member.")
async def add(
    context: CommandContext, conversation: str, user: str, role: ConversationRole
) -> None:
    """Add a person to a conversation."""
    async with context.client() as client:
        found = await resolve.conversation(client, conversation)
        await client.add_participant(found, await resolve.person(client, user), role)
        context.out.note(f"{user} is in the conversation, as {role}.")


@command("remove", json=False)
@click.argument("conversation", metavar="C")
@click.argument("user", metavar="U")
async def remove(context: CommandContext, conversation: str, user: str) -> None:
    """Remove a person from a conversation; name yourself to leave it."""
    async with context.client() as client:
        found = await resolve.conversation(client, conversation)
        await client.remove_participant(found, await resolve.participant(client, found, user))
        context.out.note(f"{user} is no longer in the conversation.")


@command("role", json=False)
@click.argument("conversation", metavar="C")
@click.argument("user", metavar="U")
@click.argument("role", type=click.Choice(ROLES))
async def role(
    context: CommandContext, conversation: str, user: str, role: ConversationRole
) -> None:
    """Give a person in a conversation another role."""
    async with context.client() as client:
        found = await resolve.conversation(client, conversation)
        somebody = await resolve.participant(client, found, user)
        await client.add_participant(found, somebody, role)
        context.out.note(f"{user} is {role} now.")


@command("users")
@click.argument("query", required=False, default="")
@click.option("--limit", type=click.IntRange(1, 100), default=50, help="How many at most.")
async def users(context: CommandContext, query: str, limit: int) -> None:
    """People whose user name or display name begins with QUERY."""
    async with context.client() as client:
        context.out.rows((await client.search_users(query, limit=limit)).users, PEOPLE)
