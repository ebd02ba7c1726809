"""Keys and pastes as a terminal sends them."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustygpt_shared.text_rules import MESSAGE_MAX
from rustygpt_tui.commands.terminal_input import Key, KeyParser, TypedLine

PASTE = "\x1b[200~x\ny\x1b[201~"
PARTS = st.lists(
    st.sampled_from(["a", "é", "界🦀", " ", "\r", "\n", "\x7f", "\x17", "\x1b[A", "\x1bOP", PASTE])
)


def joined(keys: list[Key]) -> list[Key]:
    """Return the keys with adjacent texts as one."""
    result: list[Key] = []
    for key in keys:
        if key.kind == "text" and result and result[-1].kind == "text":
            result[-1] = Key("text", result[-1].text + key.text)
        else:
            result.append(key)
    return result


@given(PARTS, st.lists(st.integers(0, 200)))
def test_keys_may_be_split_in_any_way(parts: list[str], cuts: list[int]) -> None:
    """Also within a character and within a control sequence."""
    data = "".join(parts).encode()
    whole = KeyParser().feed(data)
    parser = KeyParser()
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    split = [key for a, b in pairwise(bounds) for key in parser.feed(data[a:b])]
    assert joined(split) == joined(whole)


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"ab\r", [Key("text", "ab"), Key("enter")]),
        (b"\x1b[1;5Dx", [Key("text", "x")]),
        (b"\x1b\r", [Key("newline")]),
        (b"\x1bx", [Key("text", "x")]),
        (b"\x03\x00\x01", []),
        (b"\x1b[200~  a\r\nb\rc\x1b[A\x1b[201~\n", [Key("paste", "  a\nb\nc\x1b[A"), Key("enter")]),
        (
            "\x1b[200~a\x0bb\x0cc\x85d\u2028e\u2029f\x1b[201~".encode(),
            [Key("paste", "a\nb\nc\nd\ne\nf")],
        ),
        ("a\u2028b".encode(), [Key("text", "a\nb")]),
        (b"\x04\x15\x08", [Key("end"), Key("line"), Key("character")]),
        (b"\xff", [Key("text", "\ufffd")]),
        (b"\x1b[" + b"1" * 40, [Key("text", "[" + "1" * 40)]),
    ],
)
def test_each_kind_of_key(data: bytes, keys: list[Key]) -> None:
    """Other control sequences are dropped."""
    assert joined(KeyParser().feed(data)) == keys


def test_an_endless_paste_is_bounded() -> None:
    """One character more than a message may have is kept, so that it is refused."""
    parser = KeyParser()
    parser.feed(b"\x1b[200~")
    for _ in range(20):
        parser.feed(b"x" * 10_000)
    (key,) = parser.feed(b"\x1b[201~")
    assert len(key.text) == MESSAGE_MAX + 1


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ([Key("text", "one two  "), Key("word")], "one "),
        ([Key("text", "e\u0301"), Key("character")], ""),
        ([Key("paste", "a\nb"), Key("line")], "a\n"),
        ([Key("text", "a"), Key("newline"), Key("text", "b")], "a\nb"),
        ([Key("character"), Key("word"), Key("line")], ""),
        ([Key("paste", "x" * 70_000), Key("text", "y")], "x" * (MESSAGE_MAX + 1)),
    ],
)
def test_keys_change_the_line(keys: list[Key], text: str) -> None:
    """They insert and delete at its end."""
    line = TypedLine()
    for key in keys:
        line.apply(key)
    assert line.text == text


@pytest.mark.parametrize(("first", "is_pasted"), [("paste", True), ("text", False)])
def test_a_line_knows_whether_it_begins_with_a_paste(first: Any, is_pasted: bool) -> None:
    """What is inserted later does not matter."""
    line = TypedLine()
    for kind in (first, "text", "paste"):
        line.apply(Key(kind, "x"))
    assert line.is_pasted == is_pasted
