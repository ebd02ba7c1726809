"""The query parameters and headers that operations take, as data for the documents.

What reads them is in `request_parsing`. A test compares these declarations with what the handlers
read.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal

from rustygpt_server.api.request_parsing import MAX_SEQ


@dataclass(frozen=True)
class Parameter:
    """A query parameter or header that an operation takes; none is required."""

    name: str
    description: str
    schema: dict[str, Any]
    """JSON Schema (2020-12)."""
    example: Any = None
    location: Literal["query", "header"] = "query"


def limit(default: int, maximum: int) -> Parameter:
    """Return the size of a page."""
    schema = {"type": "integer", "minimum": 1, "maximum": maximum, "default": default}
    return Parameter("limit", "The number of items of a page.", schema, default)


def flag(name: str, description: str) -> Parameter:
    """Return a parameter that is `true` or `false`, and false when it is absent."""
    return Parameter(name, description, {"type": "boolean", "default": False}, example=True)


def seq(name: str, description: str) -> Parameter:
    """Return a number of a message in its thread."""
    schema = {"type": "integer", "minimum": 0, "maximum": MAX_SEQ}
    return Parameter(name, description, schema, 12)


EXPORT_FORMAT: Final = Parameter(
    "format",
    "`jsonl`: a line for each message, between a header and a footer. `json`: the same as one "
    "document. `markdown`: for people.",
    {"type": "string", "enum": ["jsonl", "json", "markdown"], "default": "jsonl"},
    "jsonl",
)
ROOT_ID: Final = Parameter(
    "root_id",
    "The root of a thread: only that thread.",
    {"type": "string", "format": "uuid"},
    "0199f0c1-3b6f-7c31-8a4e-5d2f10c9ab02",
)
CURSOR: Final = Parameter(
    "cursor", "The `next_cursor` of the page before.", {"type": "string", "maxLength": 1_024}
)
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "Repeating the request with the same key within 24 hours returns the first response, with "
    "`Idempotent-Replay: true`; another request with it is 409.",
    {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[ -~]+$"},
    "0199f0c1-post-1",
    "header",
)
SECRET_IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key",
    "Another request with the same key within 24 hours is 409: the response holds a secret, and is "
    "not kept.",
    IDEMPOTENCY_KEY.schema,
    IDEMPOTENCY_KEY.example,
    "header",
)
AS_HTML: Final = Parameter(
    "render",
    "`html` adds the text of messages as sanitised HTML.",
    {"type": "string", "enum": ["html"]},
    "html",
)
PATH: Final = {"type": "string", "pattern": "^[A-Za-z0-9]+$", "maxLength": 1_024}
AFTER_PATH: Final = Parameter("cursor_path", "List the messages after this path.", PATH, "01")
BEFORE_PATH: Final = Parameter(
    "before_path", "List the messages directly before this path.", PATH, "05"
)
AROUND: Final = Parameter(
    "around",
    "List the page with this message in its middle.",
    {"type": "string", "format": "uuid"},
    "0199f0c1-3b6f-7c31-8a4e-5d2f10c9ab02",
)
FIRST_CHUNK: Final = Parameter(
    "from",
    "The index of the first chunk.",
    {"type": "integer", "minimum": 0, "maximum": 999_999_999, "default": 0},
    0,
)
USER_QUERY: Final = Parameter(
    "query",
    "The start of a user name or display name; more than 100 characters are ignored.",
    {"type": "string", "default": ""},
    "ad",
)
USER_CODE: Final = Parameter(
    "user_code",
    "The code that a device shows: eight letters, in any grouping.",
    {"type": "string", "maxLength": 32},
    "BCDF-GHJK",
)
INVITE_TOKEN: Final = Parameter(
    "invite_token",
    "The token of an invite, for a person who has no account here yet.",
    {"type": "string", "maxLength": 256},
    "rgpi_4Zc0PvT1uXw9BqE7sLk2JmN5yRh8DfG6aQoVi3CtWxY",
)
OAUTH_ANSWER: Final = (
    Parameter("state", "The state of the sign-in.", {"type": "string"}),
    Parameter("code", "The provider's authorization code.", {"type": "string"}),
    Parameter("error", "Why the provider gives no code (RFC 6749, 4.1.2.1).", {"type": "string"}),
    Parameter("iss", "The provider's issuer (RFC 9207).", {"type": "string"}),
)
SEARCH: Final = Parameter(
    "q",
    'Words, which all have to occur; `"words in order"`, `-excluded`, `one OR another`, `prefix*`; '
    "the last word counts as a prefix unless a blank follows it. Filters: `in:` (the title or id "
    "of a conversation), `from:` (a user name, or `assistant`), `has:code`, `before:` and "
    "`after:` (a day, in UTC). At least one word or filter, at most 20 words.",
    {"type": "string", "minLength": 1, "maxLength": 500},
    "canary from:ada",
)
CONVERSATION: Final = Parameter(
    "conversation_id",
    "Search only in this conversation.",
    {"type": "string", "format": "uuid"},
)
THREAD: Final = Parameter(
    "root_id",
    "Search only in the thread with this root.",
    {"type": "string", "format": "uuid"},
)
LAST_EVENT_ID: Final = Parameter(
    "Last-Event-ID",
    "The id of the last event that was received; the stream continues after it.",
    {"type": "string"},
    "evt_41",
    "header",
)
LAST_EVENT_ID_QUERY: Final = Parameter(
    "last_event_id", "The same, for clients that cannot set headers.", {"type": "string"}, "evt_41"
)
SINCE: Final = Parameter(
    "since",
    "Milliseconds since 1970: without an id, the stream starts after the last event before it.",
    {"type": "string"},
    "1764144000000",
)
POSITIONS: Final = Parameter(
    "positions",
    "`<conversation>:<event id>`, at most 100, separated by commas: where each conversation "
    "continues.",
    {"type": "string"},
    "0199f0c1-3b6f-7c31-8a4e-5d2f10c9ab00:evt_41",
)
