"""Example values of structs, made from the names and types of their fields.

Every field has a value that fits its meaning, so that the document needs no example by hand.
"""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec import inspect as type_info

_TIME: Final = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
_ID: Final = "0199f0c1-3b6f-7c31-8a4e-5d2f10c9ab{:02d}"
_IDS: Final = ("id", "conversation_id", "root_id", "message_id", "parent_id", "user_id")
_BY_NAME: Final[dict[str, Any]] = {
    "algorithm": "gcra",
    "answer_id": _ID.format(20),
    "assistant_mode": "mention",
    "invite_token": "rgpi_4Zc0PvT1uXw9BqE7sLk2JmN5yRh8DfG6aQoVi3CtWxY",
    "author_name": "Ada",
    "code": "RGP.NOT_FOUND",
    "content": "When is the release?",
    "conversation": _ID.format(1),
    "csrf_token": "mFhC5m1yq3ZkVb0u2Jw7s9d4T6x8",
    "current_password": "a long pass phrase",
    "device_code": "q1W2e3R4t5Y6u7I8o9P0a1S2d3F4g5H6j7K8l9Z0x1C",
    "user_code": "BCDF-GHJK",
    "detail": "There is nothing at this address.",
    "display_name": "Ada",
    "email": "ada@example.org",
    "field": "title",
    "what": "images",
    "html": "<p>When is the release?</p>\n",
    "id": _ID.format(0),
    "last_event_id": "evt_42",
    "last_message_excerpt": "When is the release?",
    "message": "There is nothing at this address.",
    "method": "POST",
    "model": "demo",
    "name": "laptop",
    "new_password": "a longer pass phrase",
    "next_cursor": "WyIyMDI2LTAxLTAxIl0",
    "object": "chat.completion.chunk",
    "password": "a long pass phrase",
    "path": "01",
    "prev_cursor": "01",
    "reason": "a spelling mistake",
    "request_id": _ID.format(99),
    "role": "member",
    "root_excerpt": "When is the release?",
    "system_prompt": "Answer briefly.",
    "text": "When is the release?",
    "title": "Release planning",
    "type": "https://rustygpt.dev/problems/RGP.NOT_FOUND",
    "username": "ada",
}
"""Values of text fields, by name; a field in `_BY_FIELD` is more specific."""
_BY_FIELD: Final[dict[tuple[str, str], Any]] = {
    ("MessageView", "role"): "user",
    ("AcceptInvite", "token"): "rgpi_4Zc0PvT1uXw9BqE7sLk2JmN5yRh8DfG6aQoVi3CtWxY",
    ("CreatedInvite", "token"): "rgpi_4Zc0PvT1uXw9BqE7sLk2JmN5yRh8DfG6aQoVi3CtWxY",
    ("CreatedToken", "token"): "rgpt_8Wm3KzN5bVf7QxY1tRj6LcH2pGd9SaE4uJoXi0ByTnM",
    ("Problem", "title"): "Not Found",
    ("Problem", "status"): 404,
    ("MessageDeltaPayload", "id"): f"{_ID.format(0)}:0",
    ("ChatCompletionRequest", "model"): "qwen3",
    ("ContentPart", "type"): "text",
}
_OMITTED: Final = {
    ("MarkRead", "message_id"),
    ("CreateInvite", "ttl_secs"),
    ("MarkRead", "path"),
    ("MessageView", "deleted_at"),
    ("MessageView", "error"),
    ("MessageView", "streaming"),
    ("Problem", "errors"),
    *(
        ("ChatCompletionRequest", name)
        for name in ("tools", "functions", "modalities", "audio", "logprobs", "top_logprobs")
    ),
    *(
        ("ChatCompletionRequest", name)
        for name in ("logit_bias", "response_format", "reasoning_effort")
    ),
    ("Problem", "retry_after_seconds"),
}
"""Optional fields that contradict the others in an example."""


def example_of(shape: Any) -> Any:
    """Return an example of a type as JSON would contain it."""
    return _example(type_info.type_info(shape), "", "")


def _example(node: type_info.Type, owner: str, name: str) -> Any:
    match node:
        case type_info.StructType():
            return _struct(node.cls)
        case type_info.ListType() | type_info.CollectionType():
            return [_example(node.item_type, owner, name)]
        case type_info.DictType():
            return {"key": _example(node.value_type, owner, name)}
        case type_info.UnionType():
            return _example(_preferred(node), owner, name)
        case type_info.LiteralType():
            return node.values[0]
        case _:
            return _scalar(node, owner, name)


def _struct(shape: type[Struct]) -> dict[str, Any]:
    tag_field, tag = shape.__struct_config__.tag_field, shape.__struct_config__.tag
    values: dict[str, Any] = {tag_field: tag} if tag_field else {}
    for field in msgspec.structs.fields(shape):
        if (shape.__name__, field.name) in _OMITTED:
            continue
        node = type_info.type_info(field.type)
        values[field.encode_name] = (
            field.default
            if isinstance(field.default, str)
            else _example(node, shape.__name__, field.name)
        )
    return values


def _preferred(node: type_info.UnionType) -> type_info.Type:
    """Return the first member of a union that is a value."""
    return next(one for one in node.types if not isinstance(one, type_info.NoneType))


def _scalar(node: type_info.Type, owner: str, name: str) -> Any:
    if (owner, name) in _BY_FIELD:
        return _BY_FIELD[owner, name]
    match node:
        case type_info.BoolType():
            return False
        case type_info.IntType():
            return max(node.ge or 0, 1)
        case type_info.FloatType():
            return min(1.5, node.le) if node.le is not None else 1.5
        case type_info.DateTimeType() | type_info.DateType():
            text = _TIME.isoformat(timespec="microseconds").replace("+00:00", "Z")
            return text if isinstance(node, type_info.DateTimeType) else text[:10]
        case type_info.UUIDType():
            return _ID.format(_IDS.index(name) if name in _IDS else 7)
        case type_info.StrType():
            return _BY_NAME.get(name, name.replace("_", " "))
        case _:
            return None if isinstance(node, type_info.NoneType) else {}
