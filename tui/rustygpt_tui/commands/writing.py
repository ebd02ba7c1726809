"""The commands `post`, `reply` and `cancel`: write a message, or stop an answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.requests import PostMessage
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request, read_text, with_files
from rustygpt_tui.commands.model_option import explained, model_option

F = TypeVar("F", bound=Callable[..., Any])


def message_options(function: F) -> F:
    """Add TEXT, --model and --attach, which every command that writes a message has."""
    function = click.argument("text", metavar="[TEXT]", nargs=-1)(function)
    function = model_option("The model that answers.")(function)
    return click.option(
        "--attach",
        metavar="FILE",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Append a text file to the message; may be repeated.",
    )(function)


@command("post")
@click.argument("conversation", metavar="C")
@message_options
async def post(
    context: CommandContext,
    conversation: str,
    text: tuple[str, ...],
    model: str | None,
    attach: tuple[Path, ...],
) -> None:
    """Start a thread with a message, and print the message's id."""
    request = build_request(
        PostMessage, content=with_files(read_text(context, text), attach), model=model
    )
    async with context.client() as client:
        conversation_id = await resolve.conversation(client, conversation)
        async with explained(client, model):
            _print_posted(context, await client.post_root(conversation_id, request))


@command("reply")
@click.option("--parent", metavar="M", required=True, help="The message to reply to.")
@message_options
async def reply(
    context: CommandContext,
    parent: str,
    text: tuple[str, ...],
    model: str | None,
    attach: tuple[Path, ...],
) -> None:
    """Reply to a message, and print the reply's id."""
    request = build_request(
        PostMessage, content=with_files(read_text(context, text), attach), model=model
    )
    async with context.client() as client:
        parent_id = await resolve.message(client, parent)
        async with explained(client, model):
            _print_posted(context, await client.reply(parent_id, request))


@command("cancel")
@click.argument("message", metavar="M")
async def cancel(context: CommandContext, message: str) -> None:
    """Stop an answer that is being written."""
    async with context.client() as client:
        result = await client.cancel(await resolve.message(client, message))
        context.out.record(result, {"Status": result.status})


def _print_posted(context: CommandContext, posted: PostedMessage) -> None:
    if context.out.json:
        context.out.object(posted)
    else:
        context.out.line(str(posted.message_id))
