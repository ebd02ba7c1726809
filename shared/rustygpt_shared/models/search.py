"""The results of a search."""

from rustygpt_shared.models import Model
from rustygpt_shared.models.messages import MessageView


class Fragment(Model, frozen=True):
    """A part of a text: plain, whatever it looks like."""

    text: str
    is_match: bool
    """True for what the search has found."""


class SearchHit(Model, frozen=True):
    """A message that fulfils a search."""

    message: MessageView
    conversation_title: str
    thread_excerpt: str
    """The beginning of the thread's first message."""
    highlight: list[Fragment]
    """A part of the message's text with what was found, in order, on one line."""


class SearchResult(Model, frozen=True):
    """A page of a search, latest message first."""

    hits: list[SearchHit]
    complete: bool
    """False when there may be messages that this search did not look at: the server is still
    reading older ones or more than 200 new ones, or the caller is in more than 200
    conversations."""
    next_cursor: str | None = None
    """Where the search goes on. A page with fewer hits than `limit`, even none, may have it: what
    one request looks at is bounded."""
