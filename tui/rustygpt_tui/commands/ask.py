"""The commands `ask` and `regenerate`: print the assistant's answer as it is written, then exit.

The response to the post names the answer (`answer_id`); nothing here guesses which message it is.
"""

import asyncio
import re
from contextlib import aclosing, suppress
from pathlib import Path
from uuid import UUID

import click
from msgspec import structs

from rustygpt_shared.events import StreamClosed, StreamReset
from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.requests import PostMessage, Regenerate
from rustygpt_tui.client.feed import Connecting, Disconnected, FeedItem, Live, follow
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.polling import Polling
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.answer_tracker import AnswerTracker
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import NoText, build_request, read_text, with_files
from rustygpt_tui.commands.interrupts import ends_with_reader, ends_with_signal
from rustygpt_tui.commands.model_option import explained, model_option
from rustygpt_tui.commands.output import NO_STREAMS, retry_text
from rustygpt_tui.commands.progress import TransientLine
from rustygpt_tui.commands.read_marks import ReadMarks
from rustygpt_tui.commands.writing import message_options
from rustygpt_tui.errors import (
    AnswerFailed,
    ClientError,
    OutputFailed,
    PipeClosedError,
    ServerRejected,
    TimedOut,
    UsageError,
)

BEGIN_SECONDS = 30.0
REASON_SECONDS = 2.0
CANCEL_SECONDS = 5.0
MENTION = "@assistant"
_STARTS_WITH_MENTION = re.compile(rf"{MENTION}(?!\w)", re.IGNORECASE)


@command("ask")
@click.argument("conversation", metavar="[C]", required=False)
@click.option("--parent", metavar="M", help="Ask in a thread, as a reply to this message.")
@click.option("--system", metavar="TEXT", help="Instructions to the assistant, in a new thread.")
@message_options
async def ask(
    context: CommandContext,
    conversation: str | None,
    text: tuple[str, ...],
    *,
    parent: str | None,
    system: str | None,
    model: str | None,
    attach: tuple[Path, ...],
) -> None:
    """Post a message and print the assistant's answer as it is written.

    Ctrl-C, SIGTERM, SIGHUP and the end of the reader of the output stop the answer at the server,
    too. The exit code is 9 when the answer failed or was stopped.
    """
    if not parent and not conversation:
        raise UsageError("Name a conversation, or a message with --parent.")
    if parent and system:
        raise UsageError("--system starts a new thread; it cannot be combined with --parent.")
    if parent and conversation:  # then the first argument belongs to the text
        text, conversation = (conversation, *text), None
    request = build_request(
        PostMessage,
        content=with_files(_read_question(context, conversation, text), attach),
        model=model,
    )
    async with context.client() as client, ends_with_signal(), ends_with_reader():
        async with explained(client, model):
            snapshot, posted = await _post(client, conversation, parent, system, request)
        await _print_posted(context, client, snapshot, posted)


@command("regenerate")
@click.argument("message", metavar="M")
@model_option("The model that answers; by default that of the answer M.")
async def regenerate(context: CommandContext, message: str, model: str | None) -> None:
    """Generate another answer beside the answer M, and print it as `ask` does."""
    request = build_request(Regenerate, model=model)
    async with context.client() as client, ends_with_signal(), ends_with_reader():
        old = await client.get_message(await resolve.message(client, message))
        snapshot = await client.show_conversation(old.conversation_id)
        regenerating = client.regenerate_answer(old.id, model=request.model)
        async with explained(client, model):
            posted = await _completed(client, asyncio.ensure_future(regenerating))
        await _print_posted(context, client, snapshot, posted)


async def _print_posted(
    context: CommandContext, client: Client, snapshot: Conversation, posted: PostedMessage
) -> None:
    """Print the answer that was started, to its end; stop it when the command is ended."""
    answer = AnswerTracker(_answer_id(snapshot, posted))
    try:
        await _print_answer(context, client, snapshot, answer)
    except (asyncio.CancelledError, PipeClosedError, OutputFailed):
        await _stop(client, answer.answer_id)
        raise
    try:
        await _report_end(context, client, answer)
    finally:
        await ReadMarks(client).mark(posted.root_id, {posted.message_id, answer.answer_id})


def _read_question(
    context: CommandContext, conversation: str | None, words: tuple[str, ...]
) -> str:
    """Return the text to post; a single argument is the conversation and needs a pipe as text."""
    try:
        return read_text(context, words)
    except NoText:
        if words or not conversation:
            raise
        raise NoText(
            f"The only argument, {conversation!r}, names the conversation, and there is no text. "
            "If it is the text, a conversation is missing: `rustygpt ask C TEXT`."
        ) from None


async def _post(
    client: Client,
    conversation: str | None,
    parent: str | None,
    system: str | None,
    request: PostMessage,
) -> tuple[Conversation, PostedMessage]:
    """Post the question; return the conversation as it was just before, and the new message.

    The position in that snapshot lets the stream start before the first event of the answer.
    """
    if parent:
        parent_message = await client.get_message(await resolve.message(client, parent))
        conversation_id = parent_message.conversation_id
        parent_id: UUID | None = parent_message.id
    else:
        conversation_id = await resolve.conversation(client, conversation or "")
        parent_id = None
    snapshot = await client.show_conversation(conversation_id)
    if snapshot.assistant_mode == "off":
        raise ServerRejected(
            f"The assistant is off in {snapshot.title!r}; "
            "switch it on in the conversation's settings."
        )
    if snapshot.assistant_mode == "mention":
        request = structs.replace(request, content=_with_mention(request.content))
    if system:
        # With the model, so that nothing is stored when the server does not have it.
        prompt = build_request(PostMessage, content=system, role="system", model=request.model)
        parent_id = (await client.post_root(conversation_id, prompt)).message_id
    posting = (
        client.reply(parent_id, request)
        if parent_id
        else client.post_root(conversation_id, request)
    )
    return snapshot, await _completed(client, asyncio.ensure_future(posting))


async def _completed(client: Client, posting: asyncio.Future[PostedMessage]) -> PostedMessage:
    """Return what was posted; when this is cancelled meanwhile, stop the answer that it started."""
    try:
        return await asyncio.shield(posting)
    except asyncio.CancelledError:
        with suppress(ClientError, TimeoutError):
            async with asyncio.timeout(CANCEL_SECONDS):
                if answer_id := (await posting).answer_id:
                    await client.cancel(answer_id)
        raise


def _with_mention(content: str) -> str:
    """Return the question with a mention of the assistant in front, unless it starts with one."""
    return content if _STARTS_WITH_MENTION.match(content) else f"{MENTION} {content}"


def _answer_id(snapshot: Conversation, posted: PostedMessage) -> UUID:
    """Return the id of the answer that a post started; raise ServerRejected without one."""
    if posted.answer_id is None:
        raise ServerRejected(
            f"The message was posted, but no answer was started: the assistant's mode in "
            f"{snapshot.title!r} is {snapshot.assistant_mode!r}; "
            "change it in the conversation's settings."
        )
    return posted.answer_id


async def _print_answer(
    context: CommandContext, client: Client, snapshot: Conversation, answer: AnswerTracker
) -> None:
    """Print the answer until it ends; after a failure, wait up to 2 s for the reason."""
    with suppress(TimeoutError), TransientLine(context.out) as line:
        async with (
            asyncio.timeout(BEGIN_SECONDS) as limit,
            aclosing(follow(client, snapshot.id, snapshot.last_event_id)) as items,
        ):
            async for item in items:
                if isinstance(item, Disconnected | Polling):
                    line.clear()  # a note follows
                text = await _text_of_item(context, client, answer, item)
                line.show(answer.progress)
                if not context.out.json:
                    context.out.text(text)
                if _is_complete(answer):
                    return
                if answer.ended:
                    limit.reschedule(asyncio.get_running_loop().time() + REASON_SECONDS)
                elif answer.seen:
                    limit.reschedule(None)
    if not answer.ended:
        raise TimedOut(
            f"The answer did not begin within {BEGIN_SECONDS:.0f} seconds; "
            "see whether the assistant answers other questions."
        )


def _is_complete(answer: AnswerTracker) -> bool:
    """Return True when the answer ended and, if it failed, the reason is known."""
    return answer.ended and (answer.finish_reason != "error" or answer.error is not None)


async def _text_of_item(
    context: CommandContext, client: Client, answer: AnswerTracker, item: FeedItem
) -> str:
    """Return the new text of the answer in an item of the feed; fetch the answer after a reset."""
    if isinstance(item, Disconnected):
        context.out.note(f"{item.reason} {retry_text(item.retry_in)}")
        return ""
    if isinstance(item, StreamClosed) and item.payload.reason != "shutdown":
        raise ClientError("The server ended the stream; you may have been removed or signed out.")
    if isinstance(item, StreamReset):
        return answer.catch_up(await client.get_message(answer.answer_id))
    if isinstance(item, Polling):
        context.out.note(NO_STREAMS)
        return ""
    if isinstance(item, Connecting | Live):
        return ""
    return answer.feed(item)


async def _stop(client: Client, answer_id: UUID) -> None:
    """Cancel the answer at the server; give up after 5 s or when the server refuses."""
    with suppress(ClientError, TimeoutError):
        async with asyncio.timeout(CANCEL_SECONDS):
            await client.cancel(answer_id)


async def _report_end(context: CommandContext, client: Client, answer: AnswerTracker) -> None:
    """End the output; raise AnswerFailed when the answer failed or was stopped."""
    if context.out.json:
        context.out.object(await client.get_message(answer.answer_id))
    elif answer.has_text or not answer.failure:
        context.out.text("\n")
    if count := answer.omitted_messages:
        messages = "1 earlier message" if count == 1 else f"{count:,} earlier messages"
        context.out.note(f"{messages} did not fit into the model's context.")
    if answer.finish_reason == "length":
        context.out.note("The answer was cut off: it reached the model's limit.")
    if answer.failure:
        raise AnswerFailed(answer.failure)
