"""conversations: list, create, show, rename."""

from typing import get_args

import click

from rustygpt_shared.models.conversations import Conversation, ConversationCreated, unread_label
from rustygpt_shared.requests import AssistantMode, CreateConversation, UpdateConversation
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request
from rustygpt_tui.commands.output import Columns

MODES = get_args(AssistantMode)

TABLE: Columns[Conversation] = {
    "ID": lambda c: str(c.id),
    "TITLE": lambda c: c.title,
    "UNREAD": lambda c: unread_label(c.unread),
    "ROLE": lambda c: c.role,
    "PEOPLE": lambda c: c.participant_count,
    "ASSISTANT": lambda c: c.assistant_mode,
    "LAST ACTIVITY": lambda c: c.last_activity_at,
}


@command("list")
@click.option("--archived", is_flag=True, help="The archived ones instead.")
async def list_conversations(context: CommandContext, archived: bool) -> None:
    """Your conversations, latest activity first."""
    async with context.client() as client:
        everything = [c async for c in pages.conversations(client, archived=archived)]
        context.out.rows(everything, TABLE)


@command("create")
@click.argument("title")
@click.option("--group", is_flag=True, help="A group: the assistant waits to be mentioned.")
@click.option("--mode", type=click.Choice(MODES), help="When the assistant answers.")
@click.option("--model", help="The model that answers.")
@click.option("--system", metavar="TEXT", help="What the assistant is told beforehand.")
async def create(
    context: CommandContext,
    title: str,
    group: bool,
    mode: AssistantMode | None,
    model: str | None,
    system: str | None,
) -> None:
    """Start a conversation, and print its id."""
    request = build_request(
        CreateConversation,
        title=title,
        is_group=group,
        assistant_mode=mode,
        model=model,
        system_prompt=system,
    )
    async with context.client() as client:
        new = await client.create_conversation(request)
        if context.out.json:
            context.out.object(ConversationCreated(new))
        else:
            context.out.line(str(new))


@command("show")
@click.argument("conversation", metavar="C")
async def show(context: CommandContext, conversation: str) -> None:
    """One conversation."""
    async with context.client() as client:
        _record(
            context,
            await client.show_conversation(await resolve.conversation(client, conversation)),
        )


@command("rename")
@click.argument("conversation", metavar="C")
@click.argument("title")
async def rename(context: CommandContext, conversation: str, title: str) -> None:
    """Give a conversation another title."""
    request = build_request(UpdateConversation, title=title)
    async with context.client() as client:
        found = await resolve.conversation(client, conversation)
        _record(context, await client.update_conversation(found, request))


def _record(context: CommandContext, shown: Conversation) -> None:
    context.out.record(
        shown,
        {
            "ID": str(shown.id),
            "Title": shown.title,
            "Your role": shown.role,
            "People": shown.participant_count,
            "Group": shown.is_group,
            "Assistant": shown.assistant_mode,
            "Model": shown.model,
            "System prompt": shown.system_prompt,
            "Unread": unread_label(shown.unread),
            "Created": shown.created_at,
            "Last activity": shown.last_activity_at,
            "Archived": shown.archived_at,
        },
    )
