"""Open WebUI's export: a list of chats, each with `history.messages` by id."""

from collections import Counter
from typing import Any, Final

from rustygpt_server.importing.batches import BatchWriter
from rustygpt_server.importing.errors import BadFile
from rustygpt_server.importing.tree import Node, add_tree, new_conversation, seconds_of, text_of

_MILLISECONDS: Final = 100_000_000_000
"""A time above this is in milliseconds."""
_DETAILS: Final = '<details type="'
_DETAILS_END: Final = "</details>"
_TOOLS: Final = ("tool_calls", "code_interpreter")


def add_conversation(writer: BatchWriter, exported: dict[str, Any]) -> None:
    """Add one chat, with all its branches."""
    chat = exported.get("chat")
    if not isinstance(chat, dict):
        raise BadFile("It has no chat")
    seconds = _seconds(exported.get("created_at")) or _seconds(chat.get("timestamp"))
    title = exported.get("title") or chat.get("title")
    created = new_conversation(writer, title, seconds, archived=exported.get("archived") is True)
    nodes = {key: _node(message, writer.left_out) for key, message in _messages(chat).items()}
    add_tree(writer, created, nodes)


def _messages(chat: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the messages by id; old exports have only a list, each replying to the one before."""
    history = chat.get("history")
    messages = history.get("messages") if isinstance(history, dict) else None
    if isinstance(messages, dict):
        if not all(isinstance(message, dict) for message in messages.values()):
            raise BadFile("A message of its history is no object")
        return messages
    listed = chat.get("messages")
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise BadFile("It has no history with messages")
    return {
        str(index): {**message, "parentId": str(index - 1) if index else None}
        for index, message in enumerate(listed)
    }


def _node(message: dict[str, Any], left_out: Counter[str]) -> Node:
    parent = message.get("parentId")
    if parent is not None and not isinstance(parent, str):
        raise BadFile("The parent of a message is no id")
    role = text_of(message.get("role"))
    if role not in ("user", "assistant", "system"):
        left_out["messages of unknown roles"] += 1
        return Node(parent)
    text, reasoning = _without_details(_text(message.get("content"), left_out), left_out)
    text = "\n\n".join(part for part in (text, _files(message.get("files"), left_out)) if part)
    error = _error(message.get("error"))
    for key, what in (("sources", "sources of answers"), ("embeds", "embedded pages")):
        value = message.get(key)
        left_out[what] += len(value) if isinstance(value, list) else 0
    if not text and not error and not reasoning:
        return Node(parent)
    model = text_of(message.get("model")) or None
    seconds = _seconds(message.get("timestamp"))
    return Node(parent, role, text, seconds, model, reasoning or None, error)


def _text(content: object, left_out: Counter[str]) -> str:
    if not isinstance(content, list):
        return text_of(content)
    texts = []
    for part in content:
        is_text = isinstance(part, dict) and part.get("type") == "text"
        texts.append(text_of(part.get("text")) if is_text else "*(left out: images)*")
        left_out["images"] += not is_text
    return "\n\n".join(texts)


def _files(files: object, left_out: Counter[str]) -> str:
    """Count the files of a message, and return a text that says so."""
    if not isinstance(files, list) or not files:
        return ""
    kinds = ["images" if _is_image(file) else "attachments" for file in files]
    left_out.update(kinds)
    return f"*(left out: {', '.join(dict.fromkeys(kinds))})*"


def _is_image(file: object) -> bool:
    return isinstance(file, dict) and file.get("type") == "image"


def _without_details(text: str, left_out: Counter[str]) -> tuple[str, str]:
    """Return a text without the blocks that Open WebUI inserts, and the reasoning in them."""
    kept, reasoning, at = [], [], 0
    while (start := text.find(_DETAILS, at)) >= 0:
        end = text.find(_DETAILS_END, start)
        if end < 0:
            break
        block = text[start + len(_DETAILS) : end]
        kept.append(text[at:start])
        at = end + len(_DETAILS_END)
        if block.startswith("reasoning"):
            inner = block.partition(">")[2].partition("</summary>")
            reasoning.append((inner[2] or inner[0]).strip())
        elif block.startswith(_TOOLS):
            left_out["calls of tools"] += 1
        else:
            kept.append(text[start:at])
    return "".join([*kept, text[at:]]).strip(), "\n\n".join(reasoning)


def _error(error: object) -> str | None:
    if isinstance(error, dict):
        return text_of(error.get("content")) or text_of(error.get("message")) or "It failed."
    if error is True:
        return "It failed."
    return text_of(error) or None


def _seconds(value: object) -> float | None:
    seconds = seconds_of(value)
    if seconds is None or seconds > _MILLISECONDS:
        return seconds_of(value, 1_000.0)
    return seconds
