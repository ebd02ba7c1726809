"""An answer in progress, as readers hear of it."""

import asyncio
import json
from typing import Any
from uuid import UUID

from tests.support.event_log import ROOM, ListLog, make_hub, make_live_reader, waiting
from tests.support.waiting import until

from rustygpt_server.assistant.answer import Answer, Place
from rustygpt_server.assistant.provider import Piece
from rustygpt_server.realtime.hub import Hub
from rustygpt_server.realtime.reader import Reader
from rustygpt_shared.text import MESSAGE_MAX

PLACE = Place(UUID(int=1), ROOM, UUID(int=2), UUID(int=3), 2, "m")


def _heard(hub: Hub, reader: Reader) -> list[dict[str, Any]]:
    lines = waiting(hub, reader).decode().split("\n")
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(line)["payload"] for line in data]


def _room() -> tuple[Hub, Reader]:
    hub = make_hub(ListLog(), capacity=64)
    reader, _ = make_live_reader(hub)
    return hub, reader


async def test_the_first_text_is_told_at_once_and_the_rest_in_steps() -> None:
    """Pieces within one interval become one delta."""
    hub, reader = _room()
    answer = Answer(PLACE, hub, 0.01)
    answer.add(Piece(content="a"))
    await until(lambda: len(reader.outbox) == 1)
    (first,) = _heard(hub, reader)
    for word in ("b", "🦀", "c"):
        answer.add(Piece(content=word))
    assert len(reader.outbox) == 0
    await until(lambda: len(reader.outbox) == 1)
    (second,) = _heard(hub, reader)

    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "a"}
    assert second["choices"][0]["delta"] == {"content": "b🦀c"}
    assert (first["offset"], second["offset"]) == (0, 1)
    assert (first["id"], second["id"]) == (f"{UUID(int=1)}:0", f"{UUID(int=1)}:1")


async def test_the_whole_is_what_readers_were_told() -> None:
    """Text that waits for the interval is not in it: its delta follows."""
    hub, reader = _room()
    answer = Answer(PLACE, hub, 60)
    assert answer.whole() is None
    answer.add(Piece(content="told", reasoning="why"))
    answer.tell()
    (first,) = _heard(hub, reader)
    answer.add(Piece(content=" later"))

    whole = json.loads((answer.whole() or b"").split(b"data: ")[1])["payload"]
    assert whole["offset"] == whole["reasoning_offset"] == 0
    assert whole["choices"][0]["delta"]["content"] == "told"
    answer.tell()
    (second,) = _heard(hub, reader)
    assert (first["offset"], second["offset"]) == (0, 4)


async def test_an_answer_is_no_longer_than_a_message() -> None:
    """What comes beyond is cut."""
    hub, _ = _room()
    answer = Answer(PLACE, hub, 60)
    assert not answer.is_full
    for _ in range(3):
        answer.add(Piece(content="x" * 30_000, reasoning="y" * 30_000))
    answer.tell()

    assert answer.is_full
    assert len(answer.content) == len(answer.reasoning) == MESSAGE_MAX


async def test_deltas_join_without_a_seam() -> None:
    """Whatever is lost or merged, offset and text fit together."""
    hub, reader = _room()
    answer = Answer(PLACE, hub, 0)
    for number in range(20):
        answer.add(Piece(content=str(number)))
        await asyncio.sleep(0.001)
    answer.tell()
    deltas = _heard(hub, reader)

    ends = [d["offset"] + len(d["choices"][0]["delta"]["content"]) for d in deltas]
    assert "".join(d["choices"][0]["delta"]["content"] for d in deltas) == answer.content
    assert [d["offset"] for d in deltas[1:]] == ends[:-1]
