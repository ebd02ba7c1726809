"""The commands `edit`, `delete`, `restore` and `revisions`: change a message, see earlier texts."""

from itertools import islice

import click

from rustygpt_shared.models.messages import Revision
from rustygpt_shared.requests import DeleteMessage, EditMessage
from rustygpt_tui.client.printable import one_line
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request, read_text
from rustygpt_tui.commands.output import format_time
from rustygpt_tui.store.names import Names

LIMIT = 50


@command("edit", json=False)
@click.argument("message", metavar="M")
@click.argument("text", metavar="[TEXT]", nargs=-1)
@click.option("--reason", metavar="TEXT", help="Why, kept with the earlier text.")
async def edit(
    context: CommandContext, message: str, text: tuple[str, ...], reason: str | None
) -> None:
    """Replace the text of a message; the earlier text is kept."""
    request = build_request(EditMessage, content=read_text(context, text), reason=reason)
    async with context.client() as client:
        await client.edit_message(await resolve.message(client, message), request)


@command("delete", json=False)
@click.argument("message", metavar="M")
@click.option("--reason", metavar="TEXT", help="Why, kept with the text.")
async def delete(context: CommandContext, message: str, reason: str | None) -> None:
    """Delete a message; `restore` brings it back."""
    request = build_request(DeleteMessage, reason=reason)
    async with context.client() as client:
        message_id = await resolve.message(client, message)
        await client.delete_message(message_id, reason=request.reason)


@command("restore", json=False)
@click.argument("message", metavar="M")
async def restore(context: CommandContext, message: str) -> None:
    """Restore a deleted message with its text."""
    async with context.client() as client:
        await client.restore_message(await resolve.message(client, message))


@command("revisions")
@click.argument("message", metavar="M")
@click.option(
    "--limit", type=click.IntRange(1), default=LIMIT, help=f"Texts at most; default: {LIMIT}."
)
async def list_revisions(context: CommandContext, message: str, limit: int) -> None:
    """List the earlier texts of a message, latest first."""
    async with context.client() as client:
        shown = await client.get_message(await resolve.message(client, message))
        revisions: list[Revision] = []
        async for revision in pages.revisions(client, shown.id):
            revisions.append(revision)
            if len(revisions) > limit:
                context.out.note(f"There are more than {limit} texts; list more with --limit.")
                break
        names = await pages.names(client, shown.conversation_id)
        for revision in islice(revisions, limit):
            if context.out.json:
                context.out.object(revision)
            else:
                context.out.text(_text_of(revision, names))


def _text_of(revision: Revision, names: Names) -> str:
    """Return a revision as a heading and its text."""
    who = names.labels.get(revision.replaced_by, "somebody")
    reason = f": {revision.reason}" if revision.reason else ""
    heading = (
        f"── {revision.number}, written {format_time(revision.written_at)}, {revision.change} "
        f"{format_time(revision.replaced_at)} by {who}{reason}"
    )
    return f"{one_line(heading)}\n{revision.content}\n"
