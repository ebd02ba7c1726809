"""Archiving, deleting and leaving conversations, over HTTP and on streams."""

import asyncio
from typing import Any

import httpx
import pytest
from tests.support.fakes.fake_model_server import ScriptedAnswer, chunk, fake_model_server
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    StartServer,
    openai_settings,
)
from tests.support.wait import until


def path_of(conversation_id: str) -> str:
    """The path of a conversation."""
    return f"/api/conversations/{conversation_id}"


async def ids_in_list(user: HttpUser, query: str = "") -> list[str]:
    """The ids in a user's list of conversations."""
    listed = await user.get(f"/api/conversations{query}")
    return [conversation["id"] for conversation in listed["conversations"]]


async def test_an_archived_conversation_leaves_the_list_and_is_read_only(
    server: InProcessServer,
) -> None:
    """For everybody, until an administrator unarchives it; reading and leaving go on."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    root = await ann.root(conversation_id)
    await bob.call("PATCH", path_of(conversation_id), {"archived": True}, expect=403)
    async with bob.follow(conversation_id) as stream:
        await stream.next("stream.open")
        await ann.call("PATCH", path_of(conversation_id), {"archived": True})
        event = await stream.next("conversation.updated")
    assert event["payload"]["conversation"]["archived_at"]
    for user in (ann, bob):
        assert await ids_in_list(user) == []
        assert await ids_in_list(user, "?archived=true") == [conversation_id]
    typing = {"conversation_id": conversation_id, "root_id": root, "seconds": 5}
    for path, body in (
        (f"/api/threads/{conversation_id}/root", {"content": "x"}),
        (f"/api/messages/{root}/reply", {"content": "x"}),
        (f"/api/messages/{root}/edit", {"content": "x"}),
        ("/api/typing", typing),
    ):
        problem = await ann.post(path, body, expect=409)
        assert "archived" in problem["detail"]
    await bob.post(f"/api/threads/{root}/read", {})
    await bob.call("DELETE", f"{path_of(conversation_id)}/participants/{bob.id}", expect=204)
    await ann.call("PATCH", path_of(conversation_id), {"archived": False})
    await ann.reply(root)
    assert await ids_in_list(ann) == [conversation_id]


async def test_the_last_owner_cannot_leave(server: InProcessServer) -> None:
    """They make somebody else an owner first, or delete the conversation."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    leave = f"{path_of(conversation_id)}/participants/{ann.id}"
    await ann.call("DELETE", leave, expect=409)
    await ann.add_participant(conversation_id, bob, "owner")
    await ann.call("DELETE", leave, expect=204)
    assert await ids_in_list(bob) == [conversation_id]


async def test_all_streams_get_the_deletion_as_the_last_event(server: InProcessServer) -> None:
    """A stream of the conversation ends; one of all conversations goes on without it."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id, other = await ann.group(bob), await ann.group(bob)
    root = await ann.root(conversation_id)
    async with (
        bob.follow(conversation_id) as single,
        bob.follow_all() as all_of_bob,
        ann.follow_all() as all_of_ann,
    ):
        for stream in (single, all_of_bob, all_of_ann):
            await stream.next("stream.open")
        await ann.call("DELETE", path_of(conversation_id), expect=204)
        *_, deleted, closed = await single.rest()
        for stream in (all_of_bob, all_of_ann):
            event = await stream.next("conversation.deleted")
            assert event["payload"] == {"conversation_id": conversation_id}
        await ann.root(other)
        assert (await all_of_bob.next("thread.new"))["payload"]["conversation_id"] == other

    assert (deleted["type"], deleted["payload"]) == (
        "conversation.deleted",
        {"conversation_id": conversation_id},
    )
    assert closed == {"type": "stream.closed", "payload": {"reason": "deleted"}}
    for user in (ann, bob):
        assert await ids_in_list(user) == [other]
        await user.get(path_of(conversation_id), expect=404)
        await user.get(f"/api/threads/{root}/tree", expect=404)
        async with user.client.stream(
            "GET", f"/api/stream/conversations/{conversation_id}"
        ) as refused:
            assert refused.status_code == 404


@pytest.mark.parametrize("place", ["here", "in another process"])
async def test_an_old_position_gets_an_answer(
    start_server: StartServer, server: InProcessServer, place: str
) -> None:
    """A client that was away resumes, and learns that the conversation is gone."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    await ann.root(conversation_id)
    await ann.call("DELETE", path_of(conversation_id), expect=204)

    async def reset(user: HttpUser) -> dict[str, Any]:
        async with user.follow_all(**{conversation_id: "evt_1"}) as stream:
            assert (await stream.next())["payload"] == {"positions": {}}
            payload: dict[str, Any] = (await stream.next())["payload"]
            return payload

    if place == "here":
        payload = await reset(ann)
    else:
        async with start_server() as other:
            session = httpx.AsyncClient(base_url=other.url, cookies=ann.client.cookies)
            async with session:
                payload = await reset(HttpUser(session, ann.id, ann.csrf))
    assert (payload["reason"], payload["conversation_id"]) == ("removed", conversation_id)


async def test_streams_in_another_process_end_too(
    start_server: StartServer, server: InProcessServer
) -> None:
    """Whatever reaches that process first, the event or the access change."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    async with start_server() as other:
        session = httpx.AsyncClient(base_url=other.url, cookies=bob.client.cookies)
        same = HttpUser(session, bob.id, bob.csrf)
        async with session, same.follow(conversation_id) as single, same.follow_all() as of_all:
            await single.next("stream.open")
            await of_all.next("stream.open")
            await ann.call("DELETE", path_of(conversation_id), expect=204)
            rest = asyncio.create_task(single.rest())
            gone = asyncio.create_task(of_all.next("conversation.deleted"))
            while not (rest.done() and gone.done()):
                await asyncio.sleep(0.005)
                other.clock.advance(0.1)
            assert rest.result()[-1]["payload"] == {"reason": "deleted"}
            await same.get(path_of(conversation_id), expect=404)


async def test_answers_in_progress_are_cancelled(start_server: StartServer) -> None:
    """The model's connection is closed, and the purge leaves nothing."""
    script = ScriptedAnswer([chunk("some text"), asyncio.Event()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as running,
    ):
        ann = await running.person("ann")
        conversation_id = await ann.conversation(assistant_mode="always")
        async with ann.follow(conversation_id) as stream:
            await stream.next("stream.open")
            await ann.root(conversation_id)
            await stream.next("message.delta")
            await ann.call("DELETE", path_of(conversation_id), expect=204)
            ended = await stream.rest()
        async with asyncio.timeout(60):
            await model.disconnected.wait()
        await until(lambda: not running.components.hub.statistics()["answers"])

    assert ended[-2]["type"] == "conversation.deleted"


async def test_a_post_and_a_deletion_at_once(server: InProcessServer) -> None:
    """Each post is either before the deletion, or finds no conversation."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    async with bob.follow(conversation_id) as stream:
        await stream.next("stream.open")
        posts = [asyncio.create_task(bob.try_root(conversation_id, f"{n}")) for n in range(10)]
        deletion = asyncio.create_task(ann.call("DELETE", path_of(conversation_id), expect=204))
        statuses = [response.status_code for response in await asyncio.gather(*posts)]
        await deletion
        events = await stream.rest()

    assert set(statuses) <= {201, 404}
    assert [event["type"] for event in events].count("thread.new") == statuses.count(201)
    assert [event["type"] for event in events[-2:]] == ["conversation.deleted", "stream.closed"]
