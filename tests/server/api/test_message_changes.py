"""Editing, deleting and restoring messages, and regenerating answers, over HTTP and on streams."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
from tests.support.fakes.fake_model_server import (
    ScriptedAnswer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    SseStream,
    StartServer,
    openai_settings,
)
from tests.support.wait import until

SECRET = "the secret of the vault"


async def edit(user: HttpUser, message: str, content: str) -> None:
    """Replace the text of a message."""
    await user.post(f"/api/messages/{message}/edit", {"content": content}, expect=204)


async def delete(user: HttpUser, message: str) -> None:
    """Delete a message, by a request without a body."""
    await user.post(f"/api/messages/{message}/delete", None, expect=204)


async def restore(user: HttpUser, message: str) -> None:
    """Restore a message."""
    await user.post(f"/api/messages/{message}/restore", None, expect=204)


async def events_until(stream: SseStream, event_type: str) -> list[dict[str, Any]]:
    """Return the events of a stream up to the next one of a type."""
    events = [await stream.next()]
    while events[-1]["type"] != event_type:
        events.append(await stream.next())
    return events


async def test_changes_reach_the_streams_of_others(server: InProcessServer) -> None:
    """Each change is one message.updated with what it was; the event equals what REST shows."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    root = await ann.root(conversation_id, "one")
    changes, shown = [], []
    async with bob.follow(conversation_id) as stream:
        await stream.next("stream.open")
        for change in (edit(ann, root, "two"), delete(ann, root), restore(ann, root)):
            await change
            event = await stream.next("message.updated")
            changes.append(event["payload"]["change"])
            shown.append(event["payload"]["message"])
            assert shown[-1] == await bob.get(f"/api/messages/{root}")

    assert changes == ["edited", "deleted", "restored"]
    assert [message["content"] for message in shown] == ["two", "", "two"]
    assert shown[1]["deleted_by"] == str(ann.id)
    revisions = (await bob.get(f"/api/messages/{root}/revisions"))["revisions"]
    assert [revision["content"] for revision in revisions] == ["one"]


async def test_who_resumes_before_a_deletion_does_not_get_the_text(
    start_server: StartServer, server: InProcessServer
) -> None:
    """Neither from the memory of this process, nor from the log in another one."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    position = (await ann.get(f"/api/conversations/{conversation_id}"))["last_event_id"]
    async with ann.follow(conversation_id) as live:
        await live.next("stream.open")
        root = await ann.root(conversation_id, SECRET)
        await edit(ann, root, f"{SECRET}!")
        await delete(ann, root)
        await ann.root(conversation_id, "the last")
        while (await live.next("thread.new"))["payload"]["summary"]["root_excerpt"] != "the last":
            pass
        async with bob.follow(conversation_id, position) as resumed:
            replayed = [await resumed.next("message.new") for _ in range(2)]
        async with start_server() as other:
            session = httpx.AsyncClient(base_url=other.url, cookies=bob.client.cookies)
            same = HttpUser(session, bob.id, bob.csrf)
            async with session, same.follow(conversation_id, position) as elsewhere:
                logged = [await elsewhere.next("message.new") for _ in range(2)]

    assert replayed == logged
    assert [event["payload"]["message"]["content"] for event in replayed] == ["", "the last"]
    assert replayed[0]["payload"]["message"]["deleted_at"]


async def test_unread_counts_follow_deletions_and_restorations(server: InProcessServer) -> None:
    """A deleted message counts no more, a restored one again, on the streams of readers, too."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.group(bob)
    root = await ann.root(conversation_id)
    reply = await ann.reply(root)
    counts = []
    async with bob.follow(conversation_id) as stream:
        await stream.next("stream.open")
        for change in (delete(ann, reply), restore(ann, reply), edit(ann, reply, "new")):
            await change
            shown = await bob.get(f"/api/conversations/{conversation_id}/unread")
            counts.append(shown["threads"][0]["unread"])
        update: dict[str, Any] = {}
        while update.get("unread") != 2:
            next_event = asyncio.create_task(stream.next("unread.update"))
            while not next_event.done():
                await asyncio.sleep(0.005)
                server.clock.advance(0.5)
            update = next_event.result()["payload"]

    assert counts == [1, 2, 2]
    assert update["root_id"] == root


async def test_deleting_an_answer_stops_its_generation(start_server: StartServer) -> None:
    """The model's connection is closed, and nothing of the answer is sent after the deletion."""
    script = ScriptedAnswer([chunk(SECRET), asyncio.Event()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as running,
    ):
        ann = await running.person("ann")
        conversation_id = await ann.conversation(assistant_mode="always")
        async with ann.follow(conversation_id) as stream:
            await stream.next("stream.open")
            posted = await ann.post(
                f"/api/threads/{conversation_id}/root", {"content": "?"}, expect=201
            )
            await stream.next("message.delta")
            await delete(ann, posted["answer_id"])
            ended = (await events_until(stream, "message.done"))[-2:]
            await until(lambda: not running.components.hub.statistics()["answers"])
            await ann.root(conversation_id, "the last")
            after = await events_until(stream, "thread.new")
        async with ann.follow(conversation_id, "evt_0") as resumed:
            await resumed.next("stream.open")
            whole = await events_until(resumed, "message.done")

    assert [event["type"] for event in ended] == ["message.updated", "message.done"]
    assert ended[1]["payload"]["finish_reason"] == "cancelled"
    assert "message.delta" not in {event["type"] for event in after}
    assert SECRET not in str(whole)


async def test_an_answer_is_regenerated_as_a_sibling(start_server: StartServer) -> None:
    """The old answer stays as it is; a request without a body takes its model."""
    scripts = [ScriptedAnswer([chunk(text), finished()]) for text in ("first", "second")]
    async with (
        fake_model_server(*scripts) as model,
        start_server(llm=openai_settings(model.url)) as running,
    ):
        ann = await running.person("ann")
        conversation_id = await ann.conversation(assistant_mode="always")
        async with ann.follow(conversation_id) as stream:
            path = f"/api/threads/{conversation_id}/root"
            posted = await ann.post(path, {"content": "?"}, expect=201)
            await stream.next("message.done")
            path = f"/api/messages/{posted['answer_id']}/regenerate"
            again = await ann.post(path, None, expect=201, Idempotency_Key="once")
            repeated = await ann.call("POST", path, expect=201, Idempotency_Key="once")
            await stream.next("message.done")
            unknown = {"model": "no such model"}
            await ann.post(path, unknown, expect=422)
            tree = (await ann.get(f"/api/threads/{posted['root_id']}/tree"))["messages"]

    assert [message["content"] for message in tree] == ["?", "first", "second"]
    assert [message["depth"] for message in tree] == [1, 2, 2]
    assert again["answer_id"] == again["message_id"] == tree[2]["id"]
    assert again["parent_id"] == posted["message_id"]
    assert repeated.json() == again
    assert repeated.headers["idempotent-replay"] == "true"


async def test_two_people_change_one_message_at_once(server: InProcessServer) -> None:
    """Their changes are one after another: no refusal but a conflict, and one state for all."""
    ann, bob = await server.person("ann"), await server.person("bob")
    conversation_id = await ann.conversation(is_group=True)
    await ann.add_participant(conversation_id, bob, "admin")
    root = await ann.root(conversation_id)
    paths: list[tuple[str, Any]] = [
        ("edit", {"content": "by one"}),
        ("delete", {}),
        ("restore", None),
        ("edit", {"content": "by another"}),
    ]
    async with AsyncExitStack() as stack:
        streams = [
            await stack.enter_async_context(who.follow(conversation_id)) for who in (ann, bob)
        ]
        calls = [
            who.client.request(
                "POST", f"/api/messages/{root}/{path}", json=body,
                headers={"X-CSRF-TOKEN": who.csrf},
            )
            for _ in range(3) for path, body in paths for who in (ann, bob)
        ]  # fmt: skip
        statuses = {response.status_code for response in await asyncio.gather(*calls)}
        await restore(ann, root)
        await edit(ann, root, "in the end")
        for stream in streams:
            while (await stream.next("message.updated"))["payload"]["message"][
                "content"
            ] != "in the end":
                pass

    assert statuses <= {204, 409}
    shown = await bob.get(f"/api/messages/{root}")
    assert shown["content"] == "in the end"
    assert "deleted_at" not in shown


async def test_bad_requests_name_what_is_wrong(server: InProcessServer) -> None:
    """A text that does not fit, an unknown field, a reason that is too long, and a bad cursor."""
    ann = await server.person("ann")
    root = await ann.root(await ann.conversation(), "stays")
    path = f"/api/messages/{root}"
    for verb, body in (
        ("edit", {}),
        ("edit", {"content": " \n"}),
        ("edit", {"content": "x" * 65_537}),
        ("edit", {"content": "x", "role": "system"}),
        ("delete", {"reason": "x" * 501}),
    ):
        await ann.post(f"{path}/{verb}", body, expect=422)
    await ann.get(f"{path}/revisions?cursor=x", expect=400)
    assert (await ann.get(path))["content"] == "stays"
