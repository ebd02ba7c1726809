"""ask: post a message, print the answer as it comes, end when it ends."""

import asyncio
from contextlib import aclosing, suppress
from pathlib import Path
from uuid import UUID

import click
from msgspec import structs

from rustygpt_shared.events import StreamClosed, StreamReset
from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.messages import PostedMessage
from rustygpt_shared.requests import PostMessage
from rustygpt_tui.client.feed import Connecting, Disconnected, FeedItem, Live, follow
from rustygpt_tui.client.http import Client
from rustygpt_tui.commands import pages, resolve
from rustygpt_tui.commands.answer_tracker import AnswerTracker
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.inputs import build_request, read_text, with_attachments
from rustygpt_tui.commands.writing import message
from rustygpt_tui.errors import AnswerFailed, ClientError, ServerRejected, TimedOut, UsageError

BEGIN_SECONDS = 30.0
REASON_SECONDS = 2.0
CANCEL_SECONDS = 5.0
MENTION = "@assistant"
_ENDS = {
    "cancelled": "The answer was stopped.",
    "timeout": "The answer took too long and was stopped.",
    "error": "The answer failed.",
}


@command("ask")
@click.argument("conversation", metavar="[C]", required=False)
@click.option("--parent", metavar="M", help="Ask in a thread, in answer to this message.")
@click.option("--system", metavar="TEXT", help="What the assistant is told first, in a new thread.")
@message
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

    Ctrl-C stops the answer at the server too. Ends with 9 when the answer failed or was stopped.
    """
    if not parent and not conversation:
        raise UsageError("Name a conversation, or a message with --parent.")
    if parent and system:
        raise UsageError("--system begins a thread; it cannot go with --parent.")
    # With --parent the first word is no conversation.
    words = (conversation, *text) if parent and conversation else text
    request = build_request(
        PostMessage, content=with_attachments(read_text(words), attach), model=model
    )
    async with context.client() as client:
        shown, posted = await _post(client, conversation, parent, system, request)
        answer = AnswerTracker(posted.message_id)
        try:
            await _print_answer(context, client, shown, posted.root_id, answer)
        except asyncio.CancelledError:
            await _stop(client, posted.root_id, answer)
            raise
        await _report_end(context, client, answer)


async def _post(
    client: Client,
    conversation: str | None,
    parent: str | None,
    system: str | None,
    request: PostMessage,
) -> tuple[Conversation, PostedMessage]:
    """The conversation as it was right before, and where the question stands in it."""
    above = await client.get_message(await resolve.message(client, parent)) if parent else None
    conversation_id = above.conversation_id if above else None
    conversation_id = conversation_id or await resolve.conversation(client, conversation or "")
    shown = await client.show_conversation(conversation_id)
    request = structs.replace(request, content=_with_mention(shown, request.content))
    top = above.id if above else await _post_system_prompt(client, shown, system)
    if top:
        return shown, await client.reply(top, request)
    return shown, await client.post_root(conversation_id, request)


async def _post_system_prompt(
    client: Client, shown: Conversation, system: str | None
) -> UUID | None:
    """The root that tells the assistant something, when there is one."""
    if not system:
        return None
    root = build_request(PostMessage, content=system, role="system")
    return (await client.post_root(shown.id, root)).message_id


def _with_mention(shown: Conversation, content: str) -> str:
    """What is asked, with the word that wakes the assistant where it needs one."""
    if shown.assistant_mode == "off":
        raise ServerRejected(
            f"The assistant is off in {shown.title!r}; switch it on in the conversation's settings."
        )
    needed = shown.assistant_mode == "mention" and MENTION not in content.casefold()
    return f"{MENTION} {content}" if needed else content


async def _print_answer(
    context: CommandContext,
    client: Client,
    shown: Conversation,
    root_id: UUID,
    answer: AnswerTracker,
) -> None:
    """Print the answer's pieces until it ended, and wait a little for why when it failed."""
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(BEGIN_SECONDS) as limit,
            aclosing(follow(client, shown.id, shown.last_event_id)) as items,
        ):
            async for item in items:
                for piece in await _text_of_item(context, client, root_id, answer, item):
                    if not context.out.json:
                        context.out.text(piece)
                if _is_over(answer):
                    return
                if answer.ended:
                    limit.reschedule(asyncio.get_running_loop().time() + REASON_SECONDS)
                elif answer.message:
                    limit.reschedule(None)
    if not answer.ended:
        raise TimedOut("No answer has begun; see whether the assistant answers here.")


def _is_over(answer: AnswerTracker) -> bool:
    return answer.ended and (answer.finish_reason != "error" or answer.error is not None)


async def _text_of_item(
    context: CommandContext, client: Client, root_id: UUID, answer: AnswerTracker, item: FeedItem
) -> list[str]:
    """What an item of the feed brings of the answer; after a reset the thread is fetched."""
    if isinstance(item, Disconnected):
        context.out.note(f"{item.reason} Trying again in {item.retry_in:.0f} s.")
        return []
    if isinstance(item, StreamClosed) and item.payload.reason != "shutdown":
        raise ClientError("The server ended the stream; you may have been removed or signed out.")
    if isinstance(item, StreamReset):
        return [p async for m in pages.messages(client, root_id) for p in answer.catch_up(m)]
    if isinstance(item, Connecting | Live):
        return []
    return list(answer.feed(item))


async def _stop(client: Client, root_id: UUID, answer: AnswerTracker) -> None:
    """Cancel the answer at the server, as far as that goes within a few seconds."""
    with suppress(ClientError, TimeoutError):
        async with asyncio.timeout(CANCEL_SECONDS):
            if answer.message is None:
                async for known in pages.messages(client, root_id):
                    answer.catch_up(known)
            if answer.message:
                await client.cancel(answer.message.id)


async def _report_end(context: CommandContext, client: Client, answer: AnswerTracker) -> None:
    """The last line, and a failure when the answer is one."""
    if not context.out.json:
        context.out.text("\n")
    elif answer.message:
        context.out.object(await client.get_message(answer.message.id))
    if answer.finish_reason == "length":
        context.out.note("The answer is cut: it came to the model's limit.")
    if answer.finish_reason in _ENDS:
        raise AnswerFailed(answer.error or _ENDS[answer.finish_reason])
