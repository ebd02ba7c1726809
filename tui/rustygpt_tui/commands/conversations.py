"""The commands `conversations`: list, create, show, rename, archive, delete and leave."""

from typing import get_args

import click

from rustygpt_shared.models.conversations import Conversation, ConversationCreated, unread_label
from rustygpt_shared.requests import AssistantMode, CreateConversation, UpdateConversation
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request
from rustygpt_tui.commands.model_option import explained, model_option
from rustygpt_tui.commands.output import Columns
from rustygpt_tui.errors import UsageError

MODES = get_args(AssistantMode)

CONVERSATIONS: Columns[Conversation] = {
    "ID": lambda c: str(c.id),
    "TITLE": lambda c: c.title,
    "UNREAD": lambda c: unread_label(c.unread),
    "ROLE": lambda c: c.role,
    "PEOPLE": lambda c: c.participant_count,
    "ASSISTANT": lambda c: c.assistant_mode,
    "LAST ACTIVITY": lambda c: c.last_activity_at,
}


@command("list")
@click.option("--archived", is_flag=True, help="List archived conversations instead.")
async def list_conversations(context: CommandContext, archived: bool) -> None:
    """List your conversations, latest activity first."""
    async with context.client() as client:
        conversations = [c async for c in pages.conversations(client, archived=archived)]
        context.out.rows(conversations, CONVERSATIONS)


@command("create")
@click.argument("title")
@click.option(
    "--group", is_flag=True, help="A group, in which the assistant answers when mentioned."
)
@click.option("--mode", type=click.Choice(MODES), help="When the assistant answers.")
@model_option("The model that answers.")
@click.option("--system", metavar="TEXT", help="Instructions to the assistant.")
async def create_conversation(
    context: CommandContext,
    title: str,
    group: bool,
    mode: AssistantMode | None,
    model: str | None,
    system: str | None,
) -> None:
    """Create a conversation, and print its id."""
    request = build_request(
        CreateConversation,
        title=title,
        is_group=group,
        assistant_mode=mode,
        model=model,
        system_prompt=system,
    )
    async with context.client() as client:
        async with explained(client, model):
            conversation_id = await client.create_conversation(request)
        if context.out.json:
            context.out.object(ConversationCreated(conversation_id))
        else:
            context.out.line(str(conversation_id))


@command("show")
@click.argument("conversation", metavar="C")
async def show_conversation(context: CommandContext, conversation: str) -> None:
    """Show one conversation."""
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        _print_conversation(context, await client.show_conversation(conversation_id))


@command("rename")
@click.argument("conversation", metavar="C")
@click.argument("title")
async def rename_conversation(context: CommandContext, conversation: str, title: str) -> None:
    """Change the title of a conversation."""
    request = build_request(UpdateConversation, title=title)
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        _print_conversation(context, await client.update_conversation(conversation_id, request))


@command("archive")
@click.argument("conversation", metavar="C")
async def archive_conversation(context: CommandContext, conversation: str) -> None:
    """Archive a conversation for all participants: it is read-only, and leaves their lists."""
    await _set_archived(context, conversation, archived=True)


@command("unarchive")
@click.argument("conversation", metavar="C")
async def unarchive_conversation(context: CommandContext, conversation: str) -> None:
    """Put an archived conversation back into the lists."""
    await _set_archived(context, conversation, archived=False)


async def _set_archived(context: CommandContext, conversation: str, *, archived: bool) -> None:
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        request = UpdateConversation(archived=archived)
        _print_conversation(context, await client.update_conversation(conversation_id, request))


@command("delete", json=False)
@click.argument("conversation", metavar="C")
@click.option("--yes", is_flag=True, help="Delete it; without this option nothing happens.")
async def delete_conversation(context: CommandContext, conversation: str, yes: bool) -> None:
    """Delete a conversation with everything in it, for all participants."""
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        shown = await client.show_conversation(conversation_id)
        if not yes:
            raise UsageError(
                f"Everything in {shown.title!r} would be gone, for {_people(shown)}; "
                "add --yes to delete it."
            )
        await client.delete_conversation(conversation_id)


@command("leave", json=False)
@click.argument("conversation", metavar="C")
async def leave_conversation(context: CommandContext, conversation: str) -> None:
    """Leave a conversation; its last owner makes somebody else an owner first."""
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        me = (await client.me()).user.id
        await client.remove_participant(conversation_id, me)


def _people(conversation: Conversation) -> str:
    others = conversation.participant_count - 1
    return "you" if others < 1 else f"you and {others} other{'s' if others > 1 else ''}"


def _print_conversation(context: CommandContext, conversation: Conversation) -> None:
    context.out.record(
        conversation,
        {
            "ID": str(conversation.id),
            "Title": conversation.title,
            "Your role": conversation.role,
            "People": conversation.participant_count,
            "Group": conversation.is_group,
            "Assistant": conversation.assistant_mode,
            "Model": conversation.model,
            "System prompt": conversation.system_prompt,
            "Unread": unread_label(conversation.unread),
            "Created": conversation.created_at,
            "Last activity": conversation.last_activity_at,
            "Archived": conversation.archived_at,
        },
    )
