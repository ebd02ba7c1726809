"""The law of state over HTTP: a snapshot and the events after it equal a fresh snapshot."""

import asyncio
import random
from dataclasses import replace
from uuid import UUID

import pytest
from tests.support.clients.http_snapshots import HttpSnapshotSource, durable_state
from tests.support.fakes.fake_model_server import ScriptedAnswer, chunk, fake_model_server, finished
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    StartServer,
    openai_settings,
)

from rustygpt_shared import codec
from rustygpt_tui.store.apply import apply
from rustygpt_tui.store.load import fetch_missing, load, with_tree
from rustygpt_tui.store.state import State

pytestmark = pytest.mark.slow

STEPS = 40


class Crowd:
    """Two users who act at random."""

    def __init__(
        self,
        running: InProcessServer,
        ann: HttpUser,
        bob: HttpUser,
        conversation_id: str,
        seed: int,
    ) -> None:
        self._server = running
        self._ann = ann
        self._bob = bob
        self._conversation_id = conversation_id
        self._random = random.Random(seed)
        self._messages: list[str] = []
        self._people = f"/api/conversations/{conversation_id}/participants"

    async def act(self) -> None:
        """Perform one action; a refusal (the user was removed meanwhile) is ignored."""
        steps = [self._post, self._reply, self._reply, self._rename, self._member, self._cancel]
        steps += [self._edit, self._delete, self._restore, self._regenerate]
        await self._random.choice(steps)()
        self._server.clock.advance(0.01)

    def _who(self) -> HttpUser:
        return self._random.choice([self._ann, self._ann, self._bob])

    async def _write(self, path: str) -> None:
        who = self._who()
        body = {"content": self._random.choice(["héllo 🦀", "@assistant go", "x\u2028y", "*"])}
        headers = {"X-CSRF-TOKEN": who.csrf}
        answer = await who.client.post(path, json=body, headers=headers)
        assert answer.status_code in {201, 404, 403}, answer.text
        if answer.status_code == 201:
            ids = answer.json()
            self._messages += [ids[name] for name in ("message_id", "answer_id") if name in ids]

    async def _post(self) -> None:
        await self._write(f"/api/threads/{self._conversation_id}/root")

    async def _reply(self) -> None:
        if self._messages:
            await self._write(f"/api/messages/{self._random.choice(self._messages)}/reply")

    async def _change(self, verb: str, body: object = None) -> None:
        """Change a message; a refusal (no right to, deleted, being written) is ignored."""
        if self._messages:
            who = self._who()
            response = await who.client.post(
                f"/api/messages/{self._random.choice(self._messages)}/{verb}",
                json=body,
                headers={"X-CSRF-TOKEN": who.csrf},
            )
            assert response.status_code in {201, 204, 403, 404, 409}, response.text

    async def _edit(self) -> None:
        await self._change("edit", {"content": f"edited {self._random.randrange(100)}"})

    async def _delete(self) -> None:
        await self._change("delete")

    async def _restore(self) -> None:
        await self._change("restore")

    async def _regenerate(self) -> None:
        await self._change("regenerate")

    async def _rename(self) -> None:
        title = f"title {self._random.randrange(100)}"
        await self._ann.call(
            "PATCH", f"/api/conversations/{self._conversation_id}", {"title": title}
        )

    async def _member(self) -> None:
        headers = {"X-CSRF-TOKEN": self._ann.csrf}
        if self._random.random() < 0.4:
            await self._ann.client.delete(f"{self._people}/{self._bob.id}", headers=headers)
            return
        body = {"user_id": str(self._bob.id), "role": self._random.choice(["member", "admin"])}
        await self._ann.post(self._people, body, expect=204)

    async def _cancel(self) -> None:
        for answer in self._server.components.hub.answers(UUID(self._conversation_id)):
            await self._ann.post(f"/api/messages/{answer.message_id}/cancel", None, expect=202)
            return


class Follower:
    """A client's state, kept up to date by events alone."""

    def __init__(self, person: HttpUser, conversation_id: str) -> None:
        self._person = person
        self._conversation_id = conversation_id
        self._source = HttpSnapshotSource(person)
        self.state: State | None = None

    async def follow(self, until: asyncio.Event) -> State:
        """Apply events until all that happened before `until` was set have arrived."""
        state = await load(self._source, UUID(self._conversation_id), self._person.id)
        async with self._person.follow(self._conversation_id, state.position) as stream:
            async for line in stream.lines:
                if not line.startswith("data: "):
                    continue
                state, changes = apply(state, codec.decode_event(line[6:].encode()))
                state = await fetch_missing(self._source, state, changes)
                for thread in state.threads:
                    if thread.root_id not in state.trees:
                        state = with_tree(state, await self._source.list_tree(thread.root_id))
                if until.is_set() and await self._is_last(state):
                    return state
        raise AssertionError("the stream ended")

    async def _is_last(self, state: State) -> bool:
        shown = await self._source.show_conversation(UUID(self._conversation_id))
        return shown.last_event_id == state.position

    async def fresh(self, old: State) -> State:
        """Return the freshly fetched state."""
        state = await load(self._source, UUID(self._conversation_id), self._person.id)
        for root_id in old.trees:
            state = with_tree(state, await self._source.list_tree(root_id))
        return state


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_state_kept_by_events_equals_a_fresh_state(
    start_server: StartServer, seed: int
) -> None:
    """Posts, replies, answers, changes of messages, new titles and changes of membership."""
    script = ScriptedAnswer([chunk("one "), 0.02, chunk("twö "), 0.02, chunk("🦀"), finished()])
    async with (
        fake_model_server(script) as model,
        start_server(llm=openai_settings(model.url)) as running,
    ):
        ann, bob = await running.person("ann"), await running.person("bob")
        conversation_id = await ann.conversation(is_group=True, assistant_mode="mention")
        for number in range(3):
            await ann.root(conversation_id, f"before {number}")
        done = asyncio.Event()
        follower = Follower(ann, conversation_id)
        following = asyncio.create_task(follower.follow(done))
        crowds = [Crowd(running, ann, bob, conversation_id, seed * 10 + n) for n in range(2)]
        for _ in range(STEPS):
            await asyncio.gather(*(crowd.act() for crowd in crowds))
        async with asyncio.timeout(60):
            while running.components.hub.answers(UUID(conversation_id)):
                await asyncio.sleep(0.01)
        done.set()
        await ann.root(conversation_id, "the last word")
        kept = await asyncio.wait_for(following, 60)
        fresh = await follower.fresh(kept)

    assert len(kept.threads) > 4
    assert durable_state(kept) == durable_state(replace(fresh, position=kept.position))
    assert fresh.position == kept.position
