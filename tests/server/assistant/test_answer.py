"""An answer in progress, and the deltas that subscribers get."""

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

TARGET = AnswerTarget(UUID(int=1), CONVERSATION_ID, UUID(int=2), UUID(int=3), 2, "m")


def _sent_payloads(hub: HubHarness, subscriber: Subscriber) -> list[dict[str, Any]]:
    """Return the payloads of the frames that wait in a subscriber's queue."""
    lines = hub.queued_data(subscriber).decode().split("\n")
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(line)["payload"] for line in data]


def _make_hub() -> tuple[HubHarness, Subscriber]:
    """Return a hub and a live subscriber of it."""
    hub = HubHarness(capacity=64)
    return hub, hub.live_subscriber()


async def test_the_first_text_is_sent_at_once_and_the_rest_in_intervals() -> None:
    """Chunks within one interval become one delta."""
    hub, subscriber = _make_hub()
    answer = AnswerInProgress(TARGET, hub.hub, 0.01)
    answer.add(CompletionChunk(content="a"))
    await until(lambda: len(subscriber.send_queue) == 1)
    (first,) = _sent_payloads(hub, subscriber)
    for text in ("b", "🦀", "c"):
        answer.add(CompletionChunk(content=text))
    assert len(subscriber.send_queue) == 0
    await until(lambda: len(subscriber.send_queue) == 1)
    (second,) = _sent_payloads(hub, subscriber)

    assert first["choices"][0]["delta"] == {"role": "assistant", "content": "a"}
    assert second["choices"][0]["delta"] == {"content": "b🦀c"}
    assert (first["offset"], second["offset"]) == (0, 1)
    assert (first["id"], second["id"]) == (f"{UUID(int=1)}:0", f"{UUID(int=1)}:1")


async def test_the_full_text_is_the_text_that_was_sent() -> None:
    """Text that waits for the interval is not in it: its delta follows."""
    hub, subscriber = _make_hub()
    answer = AnswerInProgress(TARGET, hub.hub, 60)
    assert answer.full_text_frame() is None
    answer.add(CompletionChunk(content="text", reasoning="why"))
    answer.flush()
    (first,) = _sent_payloads(hub, subscriber)
    answer.add(CompletionChunk(content=" later"))

    full_text = json.loads((answer.full_text_frame() or b"").split(b"data: ")[1])["payload"]
    assert full_text["offset"] == full_text["reasoning_offset"] == 0
    assert full_text["choices"][0]["delta"]["content"] == "text"
    answer.flush()
    (second,) = _sent_payloads(hub, subscriber)
    assert (first["offset"], second["offset"]) == (0, 4)


async def test_an_answer_is_cut_at_the_maximum_length() -> None:
    """Further text and reasoning are dropped."""
    hub, _ = _make_hub()
    answer = AnswerInProgress(TARGET, hub.hub, 60)
    assert not answer.is_full
    for _ in range(3):
        answer.add(CompletionChunk(content="x" * 30_000, reasoning="y" * 30_000))
    answer.flush()

    assert answer.is_full
    assert len(answer.content) == len(answer.reasoning) == MESSAGE_MAX


async def test_deltas_join_without_gaps() -> None:
    """Each delta's offset is where the text of the one before ended."""
    hub, subscriber = _make_hub()
    answer = AnswerInProgress(TARGET, hub.hub, 0)
    for number in range(20):
        answer.add(CompletionChunk(content=str(number)))
        await asyncio.sleep(0.001)
    answer.flush()
    deltas = _sent_payloads(hub, subscriber)

    ends = [delta["offset"] + len(delta["choices"][0]["delta"]["content"]) for delta in deltas]
    assert "".join(delta["choices"][0]["delta"]["content"] for delta in deltas) == answer.content
    assert [delta["offset"] for delta in deltas[1:]] == ends[:-1]
