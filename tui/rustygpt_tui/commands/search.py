"""The commands `search` and `open`: find messages, and print one that a link or an id names."""

from collections.abc import AsyncIterator
from itertools import groupby
from uuid import UUID

import click

from rustygpt_shared.models.conversations import Conversation
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.search import SearchHit, SearchResult
from rustygpt_tui.client.http import Client
from rustygpt_tui.client.search_labels import author
from rustygpt_tui.commands import resolve
from rustygpt_tui.commands.base import CommandContext, command
from rustygpt_tui.commands.output import Columns, format_time
from rustygpt_tui.conversation.links import Link, parse_link
from rustygpt_tui.errors import NotFound, UsageError

LIMIT = 20
MAX_REQUESTS = 20
"""Requests of one search: what one of them looks at is bounded, and may be without a hit."""
_PAGE_SIZE = 100


def excerpt(hit: SearchHit) -> str:
    """Return what was found, with what is around it."""
    return "".join(fragment.text for fragment in hit.highlight)


HITS: Columns[SearchHit] = {
    "MESSAGE": lambda h: str(h.message.id),
    "CONVERSATION": lambda h: h.conversation_title,
    "AUTHOR": lambda h: author(h.message),
    "TIME": lambda h: h.message.created_at,
    "TEXT": excerpt,
}


@command("search")
@click.argument("query", nargs=-1, required=True)
@click.option("--conversation", metavar="C", help="Only in this conversation.")
@click.option(
    "--limit", type=click.IntRange(1), default=LIMIT, help=f"Messages at most; default: {LIMIT}."
)
async def search_messages(
    context: CommandContext, query: tuple[str, ...], conversation: str | None, limit: int
) -> None:
    """Find messages by words, latest first."""
    async with context.client() as client:
        place = await resolve.conversation(client, conversation) if conversation else None
        text = " ".join(query) + " "  # a blank: the last word is complete
        hits: list[SearchHit] = []
        async for page in _search_pages(client, text, place, limit):
            hits += page.hits
            if len(hits) >= limit or page.next_cursor is None:
                break
        if not hits:
            context.out.note("No message was found; `word*` also finds longer words.")
        _print(context, hits[:limit])
        if len(hits) > limit or page.next_cursor is not None:
            context.out.note("There may be more messages; list more with --limit.")
        if not page.complete:
            context.out.note(
                "Not all messages were searched; name a conversation with in:, or wait until new "
                "messages are indexed."
            )


async def _search_pages(
    client: Client, text: str, conversation_id: UUID | None, limit: int
) -> AsyncIterator[SearchResult]:
    cursor: str | None = None
    for _ in range(max(MAX_REQUESTS, 2 * limit // _PAGE_SIZE)):
        page = await client.search_messages(
            text, conversation_id=conversation_id, cursor=cursor, limit=min(limit, _PAGE_SIZE)
        )
        yield page
        cursor = page.next_cursor


def _print(context: CommandContext, hits: list[SearchHit]) -> None:
    if context.out.json or not context.out.on_terminal:
        context.out.rows(hits, HITS)
        return
    for title, found in groupby(hits, key=lambda hit: hit.conversation_title):
        context.out.line(title)
        for hit in found:
            message = hit.message
            time = format_time(message.created_at)
            context.out.text(f"  {message.id} · {time} · ")
            context.out.line(author(message))
            context.out.text("    ")
            context.out.line(excerpt(hit))


async def find_place(context: CommandContext, text: str) -> MessageView | Conversation:
    """Return the message, or the conversation, that a link or an id of a message names.

    Raises UsageError for a link of another server, NotFound for a deleted message.
    """
    async with context.client() as client:
        link = parse_link(text, client.origin)
        if link is None and "://" in text:
            raise UsageError("This is not the link of a message; copy it again as a whole.")
        if link and link.conversation_id and not link.root_id:
            return await client.show_conversation(link.conversation_id)
        linked = link.message_id or link.root_id if link else None
        message = await client.get_message(linked or await resolve.message(client, text))
        if message.deleted_at is not None:
            raise NotFound("This message was deleted.")
        return message


def place_link(place: MessageView | Conversation) -> Link:
    """Return the link of a message or conversation, with all of its parts."""
    if isinstance(place, Conversation):
        return Link(place.id)
    return Link(place.conversation_id, place.root_id, place.id)


def print_place(context: CommandContext, place: MessageView | Conversation) -> None:
    """Print a message, or the title of a conversation."""
    if context.out.json:
        context.out.object(place)
    elif isinstance(place, Conversation):
        context.out.line(place.title)
    else:
        context.out.text(place.content.rstrip("\n") + "\n")
