"""An answer in progress, as readers hear of it."""

import asyncio
import json
from typing import Any
from uuid import UUID

from tests.support.components.hub_harness import CONVERSATION_ID, HubHarness
from tests.support.wait import until

from rustygpt_server.assistant.answer import AnswerInProgress, AnswerTarget
from rustygpt_server.assistant.provider import CompletionChunk
from rustygpt_server.realtime.subscriber import Subscriber
from rustygpt_shared.text_rules import MESSAGE_MAX

PLACE = AnswerTarget(UUID(int=1), CONVERSATION_ID, UUID(int=2), UUID(int=3), 2, "m")


def _heard(hub: HubHarness, reader: Subscriber) -> list[dict[str, Any]]:
    lines = hub.queued_data(reader).decode().split("\n")
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(line)["payload"] for line in data]


def _room() -> tuple[HubHarness, Subscriber]:
    hub = HubHarness(capacity=64)
    return hub, hub.live_subscriber()


async def test_the_first_text_is_told_at_once_and_the_rest_in_steps() -> None:
    """Pieces within one interval become one delta."""
    hub, reader = _room()
    answer = AnswerInProgress(PLACE, hub.hub, 0.01)
    answer.add(CompletionChunk(content="a"))
    await until(lambda: len(reader.send_queue) == 1)
    (first,) = _heard(hub, reader)
    for word in ("b", "🦀", "c"):
        answer.add(CompletionChunk(content=word))
    assert len(reader.send_queue) == 0
    await until(lambda: len(reader.send_queue) == 1)
    (second,) = _heard(hub, reader)

    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "a"}
    assert second["choices"][0]["delta"] == {"content": "b🦀c"}
    assert (first["offset"], second["offset"]) == (0, 1)
    assert (first["id"], second["id"]) == (f"{UUID(int=1)}:0", f"{UUID(int=1)}:1")


async def test_the_whole_is_what_readers_were_told() -> None:
    """Text that waits for the interval is not in it: its delta follows."""
    hub, reader = _room()
    answer = AnswerInProgress(PLACE, hub.hub, 60)
    assert answer.full_text_frame() is None
    answer.add(CompletionChunk(content="told", reasoning="why"))
    answer.flush()
    (first,) = _heard(hub, reader)
    answer.add(CompletionChunk(content=" later"))

    whole = json.loads((answer.full_text_frame() or b"").split(b"data: ")[1])["payload"]
    assert whole["offset"] == whole["reasoning_offset"] == 0
    assert whole["choices"][0]["delta"]["content"] == "told"
    answer.flush()
    (second,) = _heard(hub, reader)
    assert (first["offset"], second["offset"]) == (0, 4)


async def test_an_answer_is_no_longer_than_a_message() -> None:
    """What comes beyond is cut."""
    hub, _ = _room()
    answer = AnswerInProgress(PLACE, hub.hub, 60)
    assert not answer.is_full
    for _ in range(3):
        answer.add(CompletionChunk(content="x" * 30_000, reasoning="y" * 30_000))
    answer.flush()

    assert answer.is_full
    assert len(answer.content) == len(answer.reasoning) == MESSAGE_MAX


async def test_deltas_join_without_a_seam() -> None:
    """Whatever is lost or merged, offset and text fit together."""
    hub, reader = _room()
    answer = AnswerInProgress(PLACE, hub.hub, 0)
    for number in range(20):
        answer.add(CompletionChunk(content=str(number)))
        await asyncio.sleep(0.001)
    answer.flush()
    deltas = _heard(hub, reader)

    ends = [d["offset"] + len(d["choices"][0]["delta"]["content"]) for d in deltas]
    assert "".join(d["choices"][0]["delta"]["content"] for d in deltas) == answer.content
    assert [d["offset"] for d in deltas[1:]] == ends[:-1]
