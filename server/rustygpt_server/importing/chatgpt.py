"""ChatGPT's `conversations.json`: a list of conversations, each a `mapping` of nodes by id.

The format is not documented; what is known of it is what exports contain. Nothing but `mapping` is
required, and a part of a message that is not known is left out and counted.
"""

import re
from collections import Counter
from typing import Any, Final

from rustygpt_server.importing.batches import BatchWriter
from rustygpt_server.importing.errors import BadFile
from rustygpt_server.importing.tree import Node, add_tree, new_conversation, seconds_of, text_of

_TEXT: Final = ("text", "multimodal_text", "code")
_TOOL_OUTPUT: Final = frozenset(
    {"execution_output", "tether_browsing_display", "tether_quote", "system_error"}
)
_CONTEXT: Final = frozenset({"user_editable_context", "model_editable_context"})
_REASONING: Final = frozenset({"thoughts", "reasoning_recap"})
_BACKTICKS: Final = re.compile("`+")
_ASSETS: Final = {
    "image_asset_pointer": "images",
    "audio_asset_pointer": "audio recordings",
    "real_time_user_audio_video_asset_pointer": "audio recordings",
    "video_container_asset_pointer": "videos",
}


def add_conversation(writer: BatchWriter, conversation: dict[str, Any]) -> None:
    """Add one conversation, with all its branches."""
    mapping = conversation.get("mapping")
    if not isinstance(mapping, dict):
        raise BadFile("It has no mapping with messages")
    created = new_conversation(
        writer,
        conversation.get("title"),
        seconds_of(conversation.get("create_time")),
        archived=conversation.get("is_archived") is True,
    )
    nodes = {key: _node(node, writer.left_out) for key, node in mapping.items()}
    add_tree(writer, created, nodes)


def _node(node: object, left_out: Counter[str]) -> Node:
    if not isinstance(node, dict):
        raise BadFile("A node of its mapping is no object")
    parent = node.get("parent")
    if parent is not None and not isinstance(parent, str):
        raise BadFile("The parent of a message is no id")
    message = node.get("message")
    if not isinstance(message, dict):
        return Node(parent)
    content = _object(message, "content")
    what = _kind_left_out(message, content)
    if what is not None:
        left_out[what] += bool(what)
        return Node(parent)
    text = _text(content, left_out)
    if not text.strip():
        return Node(parent)
    metadata = _object(message, "metadata")
    attachments = metadata.get("attachments")
    left_out["attachments"] += len(attachments) if isinstance(attachments, list) else 0
    role = text_of(_object(message, "author").get("role"))
    model = text_of(metadata.get("model_slug")) or None
    return Node(parent, role, text, seconds_of(message.get("create_time")), model)


def _kind_left_out(message: dict[str, Any], content: dict[str, Any]) -> str | None:
    """Return what is left out with a message: None if it stays, empty if nobody misses it."""
    role = text_of(_object(message, "author").get("role"))
    kind = text_of(content.get("content_type"))
    if role == "tool" or kind in _TOOL_OUTPUT:
        return "results of tools"
    if kind in _REASONING:
        return "reasoning"
    if kind in _CONTEXT or _object(message, "metadata").get("is_visually_hidden_from_conversation"):
        return "" if role == "system" else "hidden context"
    if role not in ("user", "assistant", "system"):
        return "messages of unknown roles"
    if role == "assistant" and message.get("recipient") not in (None, "all"):
        return "calls of tools"
    return None if kind in _TEXT else "messages of unknown kinds"


def _text(content: dict[str, Any], left_out: Counter[str]) -> str:
    """Return the text of a message; what stands for something left out says so."""
    if content.get("content_type") == "code":
        return _fenced(text_of(content.get("text")), text_of(content.get("language")))
    parts = content.get("parts")
    texts = [_part(part, left_out) for part in parts] if isinstance(parts, list) else []
    return "\n\n".join(text for text in texts if text)


def _part(part: object, left_out: Counter[str]) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    kind = text_of(part.get("content_type"))
    if kind == "audio_transcription":
        return text_of(part.get("text"))
    what = _ASSETS.get(kind, "parts of unknown kinds")
    left_out[what] += 1
    return f"*(left out: {what})*"


def _fenced(text: str, language: str) -> str:
    """Return code in a fence longer than any in it."""
    if not text:
        return ""
    longest = max((len(run) for run in _BACKTICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    info = language if language.isalnum() and language != "unknown" else ""
    return f"{fence}{info}\n{text}\n{fence}"


def _object(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}
