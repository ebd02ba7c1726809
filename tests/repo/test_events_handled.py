"""Every event of the union is handled by the web page and by `follow`, and is documented.

The exhaustive `match` statements in Python are checked by mypy, as they end in `assert_never`.
"""

import re
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

import pytest
from msgspec.structs import fields
from tests.repo.generate_reference import ROOT

from rustygpt_shared import events
from rustygpt_shared.codec import decode_event, encode
from rustygpt_shared.models.conversations import ConversationInfo, ThreadInfo
from rustygpt_shared.models.messages import MessageView
from rustygpt_shared.models.presence import UserPresence
from rustygpt_tui.commands.event_format import line_of
from rustygpt_tui.store.names import Names

TYPES = {str(event.__struct_config__.tag) for event in get_args(events.Event)}
STORE = (ROOT / "web" / "js" / "store.js").read_text("utf-8")
REFERENCE = (ROOT / "docs" / "reference" / "events.md").read_text("utf-8")

ID = UUID(int=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MESSAGE = MessageView(ID, ID, ID, "user", "hello", "1", 1, 1, NOW)
CHOICE = events.DeltaChoice(0, events.DeltaText(content="hello"))
EXAMPLES: list[events.Event] = [
    events.ThreadNew(
        events.ThreadNewPayload(ID, ID, ThreadInfo(ID, "hello", None, NOW, NOW, 1, 1)), "evt_1"
    ),
    events.ThreadActivity(events.ThreadActivityPayload(ID, ID, NOW, 2, 1, "hello"), "evt_2"),
    events.MessageNew(events.MessagePayload(MESSAGE), "evt_3"),
    events.MessageUpdated(events.MessageUpdatedPayload(MESSAGE, "edited"), "evt_4"),
    events.MessageDelta(
        events.MessageDeltaPayload("x:0", "chat.completion.chunk", ID, ID, ID, 0, [CHOICE])
    ),
    events.AnswerStatus(events.AnswerStatusPayload(ID, ID, ID, "queued", queue_position=2)),
    events.MessageDone(events.MessageDonePayload(ID, ID, ID, "stop", 1), "evt_5"),
    events.MembershipChanged(events.MembershipChangedPayload(ID, ID, "added", "member"), "evt_6"),
    events.ConversationUpdated(
        events.ConversationUpdatedPayload(ConversationInfo(ID, "Tea", False, "always", NOW), "hi"),
        "evt_7",
    ),
    events.ErrorEvent(events.ErrorPayload("RGP.X", "no model", ID, ID, ID), "evt_8"),
    events.ConversationDeleted(events.ConversationDeletedPayload(ID), "evt_9"),
    events.UnreadUpdate(events.UnreadUpdatePayload(ID, ID, ID, 1, 0)),
    events.PresenceUpdate(UserPresence(ID, "away")),
    events.TypingUpdate(events.TypingUpdatePayload(ID, ID, ID, NOW)),
    events.StreamOpen(events.StreamOpenPayload("evt_8")),
    events.StreamReset(events.StreamResetPayload("trimmed", "evt_8")),
    events.StreamClosed(events.StreamClosedPayload("shutdown")),
]


def _type_of(event: Any) -> str:
    return str(event.__struct_config__.tag)


def test_the_page_has_a_handler_for_every_event() -> None:
    """The handlers of web/js/store.js have the types of the union as their keys, each once."""
    table = STORE.split("const HANDLERS = {\n", 1)[1].split("\n};", 1)[0]
    handled = re.findall(r'^  "([a-z.]+)"[:(]', table, re.MULTILINE)
    assert sorted(handled) == sorted(TYPES)


def test_there_is_an_example_of_every_event() -> None:
    """An event without an example here would not be checked below."""
    assert sorted(_type_of(event) for event in EXAMPLES) == sorted(TYPES)


@pytest.mark.parametrize("event", EXAMPLES, ids=_type_of)
def test_follow_prints_every_event_with_its_content(event: events.Event) -> None:
    """The plain line has the event's id, its type and a part of its payload."""
    line = line_of(event, Names())
    assert line.startswith(f"{event.id or '-'} {_type_of(event)} ")
    assert line.split(" ", 2)[2].strip()


@pytest.mark.parametrize("event", EXAMPLES, ids=_type_of)
def test_every_event_survives_encoding(event: events.Event) -> None:
    """The decoder of the union knows its type."""
    assert decode_event(encode(event)) == event


def test_the_reference_lists_every_event_with_its_fields() -> None:
    """docs/reference/events.md has a row for each type, with the fields of its payload."""
    rows = dict(re.findall(r"^\| `([a-z.]+)` \| ([^|]+) \|", REFERENCE, re.MULTILINE))
    assert set(rows) == TYPES
    for event in EXAMPLES:
        listed = re.findall(r"`(\w+)`", rows[_type_of(event)])
        assert listed == [field.encode_name for field in fields(event.payload)]
