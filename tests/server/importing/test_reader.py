"""Files of all formats, written by hand after what the programs export."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from rustygpt_server.importing.batches import (
    BATCH_CHARACTERS,
    BATCH_ROWS,
    Batch,
    BatchWriter,
    NewMessage,
)
from rustygpt_server.importing.errors import BadFile
from rustygpt_server.importing.json_source import Need
from rustygpt_server.importing.reader import FileReader

FOLDER: Final = Path(__file__).parents[2] / "data" / "imports"
_NOW: Final = datetime(2026, 1, 2, tzinfo=UTC)


class _Read(NamedTuple):
    format: str
    titles: list[str]
    tree: list[str]
    """A line for each message: indented by depth, `seq role model: text`."""
    left_out: dict[str, int]
    batches: list[Batch]


def _read(data: bytes, part_bytes: int = 65_536) -> _Read:
    """Read a file that arrives in parts of a size."""
    writer = BatchWriter(_NOW)
    reader = FileReader(writer, "ann", ["demo"])
    batches: list[Batch] = []
    at = 0
    for step in reader:
        if isinstance(step, Need):
            reader.source.is_complete = at >= len(data)
            reader.source.buffer += data[at : at + part_bytes]
            at += part_bytes
        else:
            batches.append(step)
    tree = [_line(message) for batch in batches for message in batch.messages]
    titles = [conversation.title for conversation in writer.ended]
    left_out = {what: count for what, count in writer.left_out.items() if count}
    return _Read(reader.format, titles, tree, left_out, batches)


def _line(message: NewMessage) -> str:
    model = f" {message.model}" if message.model else ""
    text = message.content.replace("\n", "|")
    return f"{'  ' * (message.depth - 1)}{message.seq} {message.role}{model}: {text}"


def _file(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


GOOD: Final[dict[str, tuple[str, list[str], list[str], dict[str, int]]]] = {
    "chatgpt_plain.json": (
        "chatgpt",
        ["Rivers", "Bread"],
        [
            "1 user: Which river is longest?",
            "  2 assistant gpt-4o: The Nile, or the Amazon.",
            "    3 user: Why or?",
            "      4 assistant gpt-4o: It depends on where one measures.",
            "1 user: How long does bread bake?",
            "  2 assistant gpt-4o-mini: About 40 minutes.",
        ],
        {},
    ),
    "chatgpt_branches.json": (
        "chatgpt",
        ["Names"],
        [
            "1 user: A name for a cat?",
            "  2 assistant gpt-4o: Mia.",
            "  3 assistant gpt-4o: Leo.",
            "    4 user: Another one?",
            "      5 assistant gpt-4o: Tom.",
            "1 user: A name for a dog?",
            "  2 assistant gpt-4o: Rex.",
        ],
        {},
    ),
    "chatgpt_tools.json": (
        "chatgpt",
        ["Weather"],
        [
            "1 user: Is it raining in Oslo?",
            "  2 assistant gpt-4o: Yes, it rains.",
            "    3 user: Thanks.",
        ],
        {"calls of tools": 1, "results of tools": 2, "reasoning": 1, "hidden context": 1},
    ),
    "chatgpt_images.json": (
        "chatgpt",
        ["Picture"],
        [
            "1 user: *(left out: images)*||What is this?",
            "  2 assistant gpt-4o: A bird.",
            "    3 user: *(left out: images)*",
            "      4 assistant gpt-4o: The same bird.",
            "        5 user: Sing.||*(left out: audio recordings)*",
        ],
        {"images": 2, "attachments": 1, "audio recordings": 1},
    ),
    "chatgpt_code_interpreter.json": (
        "chatgpt",
        ["Sum"],
        [
            "1 user: Add 1 and 2 in Python.",
            "  2 assistant gpt-4o: ````python|1 + 2  # ```|````",
            "    3 assistant gpt-4o: The sum is 3.",
        ],
        {"calls of tools": 1, "results of tools": 1, "messages of unknown kinds": 1},
    ),
    "open_webui_plain.json": (
        "open_webui",
        ["Tea"],
        [
            "1 user: Green or black tea?",
            "  2 assistant llama3: Both are good.",
            "    3 user: Choose one.",
            "      4 assistant llama3: Green.",
        ],
        {},
    ),
    "open_webui_siblings.json": (
        "open_webui",
        ["Poem"],
        [
            "1 user: A line of a poem?",
            "  2 assistant llama3: First try.",
            "  3 assistant llama3: Second try.",
            "    4 user: Go on.",
            "  5 assistant llama3: ",
        ],
        {},
    ),
    "open_webui_models.json": (
        "open_webui",
        ["Both"],
        [
            "1 user: Who are you?||*(left out: images)*||*(left out: images, attachments)*",
            "  2 assistant llama3: I am llama.",
            "  3 assistant qwen3: I am qwen.",
            "    4 user: Use the tool.",
            "      5 assistant qwen3: It is noon.",
        ],
        {"images": 2, "attachments": 1, "calls of tools": 1, "sources of answers": 1},
    ),
    "open_webui_old.json": (
        "open_webui",
        ["Old"],
        ["1 user: An old chat.", "  2 assistant llama2: Without a history."],
        {},
    ),
    "rustygpt.jsonl": (
        "rustygpt",
        ["Plans"],
        ["1 user: When?", "  2 assistant demo: Soon.", "    4 user: ", "  3 user: Later?"],
        {"models that this server does not have": 1},
    ),
}
GOOD["rustygpt.json"] = GOOD["rustygpt.jsonl"]


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("part_bytes", [1, 65_536])
def test_a_file_is_read_with_all_its_branches(name: str, part_bytes: int) -> None:
    """In parts of any size; what is left out is counted."""
    assert _read(_file(name), part_bytes)[:4] == GOOD[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("rustygpt_truncated.jsonl", "Line 5: the file ends in the middle; it is not complete."),
        ("rustygpt_wrong_version.jsonl", "Line 1: it has version 2 of the format"),
        ("rustygpt_cycle.jsonl", "Line 3: its parent is not among the messages before it"),
        ("rustygpt_missing_parent.jsonl", "Line 3: its parent is not among the messages before"),
        ("rustygpt_bad_line.jsonl", "Line 3: it is not valid JSON"),
        ("chatgpt_cycle.json", "Conversation 1: some of its messages are their own parents"),
        ("chatgpt_missing_parent.json", "Conversation 2: a message names a parent that is not in"),
        ("not_json.txt", "At its beginning: this is no export of RustyGPT"),
    ],
)
def test_a_bad_file_is_refused(name: str, message: str) -> None:
    """The error says where it is."""
    with pytest.raises(BadFile) as error:
        _read(_file(name))

    assert str(error.value).startswith(message)


def test_times_and_authors_are_kept() -> None:
    """What the importing user wrote is theirs; the reasoning of an answer is its own."""
    [batch] = _read(_file("open_webui_models.json")).batches
    first, second, third, *_ = batch.messages
    [own] = _read(_file("rustygpt.jsonl")).batches

    assert (first.is_mine, second.is_mine) == (True, False)
    assert first.created_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert third.reasoning == "> Let me think."
    assert [(m.is_mine, m.author_name) for m in own.messages] == [
        (True, None),
        (False, None),
        (False, "Bob, imported"),
        (False, "Bob, imported"),
    ]
    assert [revision.content for revision in own.revisions] == ["Oops."]


def test_a_failed_answer_has_its_error() -> None:
    """Also without a text."""
    [batch] = _read(_file("open_webui_siblings.json")).batches
    error = batch.messages[-1].error

    assert error is not None
    assert error.message == "The model is not loaded."
    assert batch.conversations[0].archived_at is not None


def _chat(**messages: dict[str, Any]) -> bytes:
    return json.dumps([{"title": "T", "chat": {"history": {"messages": messages}}}]).encode()


def test_a_long_message_becomes_a_chain() -> None:
    """Nothing of it is lost; its replies are below the last part."""
    user = {"role": "user", "parentId": None, "content": "x" * 150_000}
    reply = {"role": "assistant", "parentId": "a", "content": "short"}
    read = _read(_chat(a=user, b=reply))
    messages = [message for batch in read.batches for message in batch.messages]

    assert [len(message.content) for message in messages] == [65_536, 65_536, 18_928, 5]
    assert [message.depth for message in messages] == [1, 2, 3, 4]
    assert read.left_out == {"long messages, which were split": 2}


def test_what_cannot_be_stored_is_replaced() -> None:
    """A NUL character of another program's file."""
    read = _read(_chat(a={"role": "user", "content": "a\x00b"}))

    assert read.tree == ["1 user: a\ufffdb"]
    assert read.left_out == {"NUL characters, which were replaced": 1}


def test_the_number_of_conversations_has_a_limit() -> None:
    """5,000; their own size does not matter."""
    one = _chat(a={"role": "user", "content": "x"})[1:-1]
    read = _read(b"[" + b",".join([one] * 5_000) + b"]")

    assert len(read.titles) == 5_000
    assert max(len(batch.messages) for batch in read.batches) <= 250
    with pytest.raises(BadFile, match="Conversation 5,001: the file has more than 5,000"):
        _read(b"[" + b",".join([one] * 5_001) + b"]")


def test_a_chain_is_not_limited_by_recursion() -> None:
    """A conversation of 20,000 messages, each replying to the one before."""
    messages = {
        str(index): {"role": "user", "content": "x", "parentId": str(index - 1) if index else None}
        for index in range(20_000)
    }
    read = _read(_chat(**messages))

    assert read.tree[-1].endswith("20000 user: x")


def test_a_time_of_any_size_is_no_error() -> None:
    """An integer may be too large for a float; the time is then that of the import."""
    large = "9" * 400
    node = (
        '{"parent": null, "message": {"author": {"role": "user"}, '
        f'"create_time": {large}, "content": {{"content_type": "text", "parts": ["x"]}}}}}}'
    )
    read = _read(f'[{{"create_time": {large}, "mapping": {{"a": {node}}}}}]'.encode())

    assert read.batches[0].conversations[0].created_at == _NOW
    assert read.batches[0].messages[0].created_at == _NOW


def test_deleted_messages_do_not_count_in_their_thread() -> None:
    """As in any thread, so that the count reaches 0 when all of them are deleted."""
    lines = _file("rustygpt.jsonl").splitlines()
    messages = [json.loads(line) for line in lines[1:-1]]
    for message in messages:
        message["deleted_at"] = "2026-01-01T00:00:00Z"
    read = _read(b"\n".join([lines[0], *(json.dumps(m).encode() for m in messages), lines[-1]]))

    assert [end.message_count for batch in read.batches for end in batch.thread_ends] == [0]
    assert [m.ordinal for batch in read.batches for m in batch.messages] == list(
        range(len(messages))
    )


def test_the_fence_of_code_is_longer_than_any_in_it() -> None:
    """It is found in one pass: a megabyte of backticks takes no longer than other text."""
    text = "`" * 1_000_000
    content = {"content_type": "code", "text": text, "language": "x"}
    message = {"author": {"role": "user"}, "content": content}
    conversation = {"mapping": {"a": {"parent": None, "message": message}}}
    read = _read(json.dumps([conversation]).encode())
    written = "".join(m.content for batch in read.batches for m in batch.messages)

    assert written == f"{text}`x\n{text}\n{text}`"


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_time_that_utc_does_not_have_is_no_error(moment: str) -> None:
    """It becomes the nearest time that a message can have."""
    lines = _file("rustygpt.jsonl").splitlines()
    root = {**json.loads(lines[1]), "created_at": moment}
    read = _read(b"\n".join([lines[0], json.dumps(root).encode(), *lines[2:]]))

    assert read.batches[0].messages[0].created_at in (datetime(1970, 1, 1, tzinfo=UTC), _NOW)


def test_a_large_conversation_is_stored_in_many_statements() -> None:
    """Of another program, or with many revisions: a batch has a limit of rows, and of text."""
    texts = ["x"] * 1_000 + ["x" * 60_000] * 30
    mapping = {
        str(number): {
            "parent": "0" if number else None,
            "message": {
                "author": {"role": "user"},
                "content": {"content_type": "text", "parts": [text]},
            },
        }
        for number, text in enumerate(texts)
    }
    read = _read(json.dumps([{"mapping": mapping}]).encode())
    messages = [message for batch in read.batches for message in batch.messages]

    assert [message.ordinal for message in messages] == list(range(len(texts)))
    for batch in read.batches:
        assert sum(len(getattr(batch, name)) for name in Batch.__struct_fields__) <= BATCH_ROWS
        characters = sum(len(message.content) for message in batch.messages)
        assert characters < BATCH_CHARACTERS + 65_536
    assert read.batches[-1].conversation_ends
