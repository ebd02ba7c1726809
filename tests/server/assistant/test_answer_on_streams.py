"""The state of answers as streams show it, on this server and on another one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.servers.in_process_server import HttpUser, SseStream, StartServer
from tests.support.servers.two_servers import TwoServers, two_servers
from tests.support.wait import until

from rustygpt_shared.settings import Llm, Model, Provider

_ALWAYS = {"is_group": True, "assistant_mode": "always"}


def _one_at_a_time(**urls: str) -> Llm:
    """Return settings with one model for each server, whose answers wait for each other."""
    return Llm(
        providers={
            name: Provider(kind="openai", base_url=url, max_concurrent_requests=1)
            for name, url in urls.items()
        },
        models={name: Model(provider=name, name="m") for name in urls},
    )


class Gate:
    """A script of answers that each end when they are let through."""

    def __init__(self, answers: int) -> None:
        self.events = [asyncio.Event() for _ in range(answers)]
        self.scripts = [
            ScriptedAnswer([chunk(f"answer {number}"), event, finished()])
            for number, event in enumerate(self.events)
        ]

    def open(self, number: int) -> None:
        """Let an answer end."""
        self.events[number].set()


@pytest.fixture
def gate() -> Gate:
    """The script of the model server."""
    return Gate(5)


@pytest.fixture
async def model(gate: Gate) -> AsyncIterator[FakeModelServer]:
    """A model server that answers one question at a time."""
    async with fake_model_server(*gate.scripts) as server:
        yield server


@pytest.fixture
async def servers(start_server: StartServer, model: FakeModelServer) -> AsyncIterator[TwoServers]:
    """Two servers, and a conversation whose assistant always answers."""
    async with two_servers(start_server, _ALWAYS, llm=_one_at_a_time(m=model.url)) as two:
        yield two


def _state(event: dict[str, Any]) -> tuple[str, int | None]:
    payload = event["payload"]
    return payload["state"], payload.get("queue_position")


async def _answer_to(stream: SseStream) -> str:
    """Return the id of the next answer that starts."""
    while True:
        message = (await stream.next("message.new"))["payload"]["message"]
        if message["role"] == "assistant":
            return str(message["id"])


async def _ask(user: HttpUser, conversation_id: str, stream: SseStream, text: str = "?") -> str:
    """Ask a question in a new thread; return the id of its answer."""
    await user.root(conversation_id, text)
    return await _answer_to(stream)


async def _wait_for_state(
    stream: SseStream, message_id: str, state: tuple[str, int | None]
) -> list[dict[str, Any]]:
    """Return the events until an answer has a state."""
    events = [await stream.next()]
    while not (
        events[-1]["type"] == "answer.status"
        and events[-1]["payload"]["message_id"] == message_id
        and _state(events[-1]) == state
    ):
        events.append(await stream.next())
    return events


async def test_an_answer_waits_and_then_writes(
    servers: TwoServers, gate: Gate, model: FakeModelServer
) -> None:
    """Its states come after its `message.new` and before its text; none after its end."""
    gate.open(1)
    logs: list[list[dict[str, Any]]] = []
    async with (
        servers.ann.follow(servers.conversation_id) as here,
        servers.ann_at_second.follow(servers.conversation_id) as there,
    ):
        root = await servers.ann.root(servers.conversation_id, "?")
        for stream in (here, there):
            logs.append([])
            # The other server may catch up with the message late: the answer ends after that.
            while not logs[-1] or logs[-1][-1]["type"] != "message.delta":
                logs[-1].append(await stream.next())
        gate.open(0)
        for stream, events in zip((here, there), logs, strict=True):
            while events[-1]["type"] != "message.done":
                events.append(await stream.next())
        await servers.ann.reply(root, "again")
        for stream in (here, there):
            events = [await stream.next()]
            while events[-1]["type"] != "message.done":
                events.append(await stream.next())
            answers = {e["payload"]["message_id"] for e in events if e["type"] == "answer.status"}
            assert logs[0][-1]["payload"]["message_id"] not in answers

    for events in logs:
        types = [event["type"] for event in events]
        created = [i for i, name in enumerate(types) if name == "message.new"][1]
        states = [i for i, name in enumerate(types) if name == "answer.status"]
        names = [events[i]["payload"]["state"] for i in states]
        # The other server may catch up with `message.new` when the model writes already.
        assert names == ["waiting", "writing"][-len(names) :]
        assert created < states[0] <= states[-1] < types.index("message.delta")
        assert events[states[-1]]["payload"]["first_token_ms"] >= 0
        assert events[states[0]]["payload"]["root_id"] == root


async def test_positions_in_the_queue_are_seen_everywhere(
    servers: TwoServers, gate: Gate, model: FakeModelServer
) -> None:
    """On both servers, and by streams that join while an answer waits."""
    ann, conversation_id = servers.ann, servers.conversation_id
    async with (
        ann.follow(conversation_id) as here,
        servers.ann_at_second.follow(conversation_id) as there,
    ):
        await here.next("stream.open")
        await there.next("stream.open")
        first, second, third = [await _ask(ann, conversation_id, here) for _ in range(3)]
        await _wait_for_state(there, third, ("queued", 2))
        for user in (ann, servers.ann_at_second):
            async with user.follow(conversation_id) as late:
                states = [await late.next("answer.status") for _ in range(3)]
            seen = {event["payload"]["message_id"]: _state(event) for event in states}
            assert seen == {
                first: ("writing", None),
                second: ("queued", 1),
                third: ("queued", 2),
            }
        gate.open(0)
        await _wait_for_state(there, third, ("queued", 1))
        await _wait_for_state(here, third, ("queued", 1))
        for number in (1, 2):
            gate.open(number)
        await _wait_for_state(there, third, ("writing", None))

    assert len(model.requests) == 3


async def test_a_queued_answer_is_cancelled_from_another_server(
    servers: TwoServers, gate: Gate, model: FakeModelServer
) -> None:
    """No request is sent for it, and the next one moves up."""
    ann, conversation_id = servers.ann, servers.conversation_id
    async with ann.follow(conversation_id) as here:
        answers = [await _ask(ann, conversation_id, here) for _ in range(3)]
        path = f"/api/messages/{answers[1]}/cancel"
        await servers.ann_at_second.call("POST", path, expect=202)
        events = await _wait_for_state(here, answers[2], ("queued", 1))
        done = [event for event in events if event["type"] == "message.done"]
        if not done:
            done = [await here.next("message.done")]
        gate.open(0)
        gate.open(1)
        await _wait_for_state(here, answers[2], ("writing", None))

    assert done[0]["payload"]["message_id"] == answers[1]
    assert done[0]["payload"]["finish_reason"] == "cancelled"
    assert len(model.requests) == 2


async def test_a_cancellation_closes_the_connection_to_the_model(
    servers: TwoServers, model: FakeModelServer
) -> None:
    """From another server, within a second."""
    async with servers.ann.follow(servers.conversation_id) as here:
        answer_id = await _ask(servers.ann, servers.conversation_id, here)
        await here.next("message.delta")
        path = f"/api/messages/{answer_id}/cancel"
        await servers.ann_at_second.call("POST", path, expect=202)
        async with asyncio.timeout(1):
            await model.disconnected.wait()
        done = await here.next("message.done")

    assert done["payload"]["finish_reason"] == "cancelled"


async def test_the_questions_of_one_user_do_not_keep_others_waiting(
    servers: TwoServers, gate: Gate, model: FakeModelServer
) -> None:
    """Slots go round the users who wait."""
    bob = await servers.first.person("bob")
    participants = f"/api/conversations/{servers.conversation_id}/participants"
    await servers.ann.post(participants, {"user_id": str(bob.id), "role": "member"}, expect=204)
    async with servers.ann.follow(servers.conversation_id) as here:
        for text in ("ann 1", "ann 2", "ann 3"):
            await _ask(servers.ann, servers.conversation_id, here, text)
        await _ask(bob, servers.conversation_id, here, "bob 1")
        for number in range(4):
            gate.open(number)
            await here.next("message.done")

    asked = [request.body["messages"][-1]["content"] for request in model.requests]
    assert [text.split(": ")[-1] for text in asked] == ["ann 1", "ann 2", "bob 1", "ann 3"]


async def test_an_answer_continues_when_every_client_disconnects(
    servers: TwoServers, gate: Gate
) -> None:
    """It is there when its user comes back."""
    ann, conversation_id = servers.ann, servers.conversation_id
    async with ann.follow(conversation_id) as here:
        answer_id = await _ask(ann, conversation_id, here)
        await here.next("message.delta")
    hub = servers.first.components.hub
    await until(lambda: hub.statistics()["streams"] == 0)
    gate.open(0)
    await until(lambda: hub.statistics()["answers"] == 0)
    message = await ann.get(f"/api/messages/{answer_id}")

    assert message["content"] == "answer 0"
    assert message["finish_reason"] == "stop"


async def test_providers_have_queues_of_their_own(start_server: StartServer, gate: Gate) -> None:
    """A provider that is busy does not delay the answers of another one."""
    async with (
        fake_model_server(*gate.scripts) as busy,
        fake_model_server(answer("quick")) as free,
        start_server(llm=_one_at_a_time(a=busy.url, b=free.url)) as server,
    ):
        ann = await server.person("ann")
        at_busy = await ann.conversation(assistant_mode="always", model="a")
        at_free = await ann.conversation(assistant_mode="always", model="b")
        async with ann.follow_all() as stream:
            await stream.next("stream.open")
            await ann.root(at_busy)
            await ann.root(at_busy)
            await until(lambda: len(busy.requests) == 1)
            await ann.root(at_free)
            done = await stream.next("message.done")
            gate.open(0)
            gate.open(1)
            await stream.next("message.done")
            await stream.next("message.done")

    assert done["payload"]["conversation_id"] == at_free
    assert (len(busy.requests), len(free.requests)) == (2, 1)
