"""A conversation on a fleet of servers: what may happen to it, and what always has to hold."""

import asyncio
from typing import Any
from uuid import UUID

from tests.support.clients.http_snapshots import HttpSnapshotSource, durable_state, load_all
from tests.support.model.model_client import ModelClient, StreamContract
from tests.support.servers.clusters import Cluster, same_session_at
from tests.support.servers.in_process_server import HttpUser, RunningServer

from rustygpt_tui.store.state import State

NAMES = ("ann", "bob", "cid")
BACKFILL = 8
"""The servers' `sse.max_backfill_events`."""
CONSISTENCY_SECONDS = 30
CONCURRENT_EVENTS_MAX = 1_000
"""More events than anything writes between the choice of a cursor and its arrival."""
REFUSED_SECONDS = 2
INVALID_IDS = (
    "x",
    "evt_-1",
    "evt_01",
    "evt_9223372036854775808",
    "EVT_1",
    "evt_1 ",
    "1",
    "evt_1\x7f",
)


async def make_people(cluster: Cluster) -> dict[str, HttpUser]:
    """Accounts that all worlds on a fleet share; their connections are each world's own."""
    site = RunningServer(cluster.urls[0])
    people = {name: await site.person(name) for name in NAMES}
    await site.close()
    return people


class ModelSystem:
    """One new conversation: Ann's, with Bob and Cid in it, and two clients of Ann's."""

    def __init__(self, cluster: Cluster, people: dict[str, HttpUser], model: Any) -> None:
        self._cluster = cluster
        self._people = people
        self._model = model
        self._clients: dict[tuple[str, str], HttpUser] = {}
        self._conversation = ""
        self._messages: list[str] = []
        self.members = set(NAMES)
        self.model_clients: dict[str, ModelClient] = {}

    async def set_up(self) -> None:
        """Make the conversation, with everybody following it."""
        ann = self._at("ann", 0)
        self._conversation = await ann.conversation(is_group=True, assistant_mode="mention")
        for name in ("bob", "cid"):
            await self.add(name, 0)
        self._messages = [await ann.root(self._conversation, "the first")]
        self.model_clients = {who: ModelClient(self._conversation) for who in (*NAMES, "ann too")}
        for place, who in enumerate(self.model_clients):
            await self.connect(who, place, "last", 0)

    async def tear_down(self) -> None:
        """Hang up everything."""
        for follower in self.model_clients.values():
            await follower.disconnect()
        for person in self._clients.values():
            await person.client.aclose()

    # What people do

    async def post(self, name: str, server: int, text: str) -> None:
        """A new thread."""
        await self._write(name, server, f"/api/threads/{self._conversation}/root", text)

    async def reply(self, name: str, server: int, which: int, text: str) -> None:
        """A reply to any message."""
        parent = self._messages[which % len(self._messages)]
        await self._write(name, server, f"/api/messages/{parent}/reply", text)

    async def post_many(self, count: int, which: int) -> None:
        """Many replies at once, all over the place."""
        names = sorted(self.members)
        posts = (self.reply(names[n % len(names)], n, which + n // 2, f"{n}") for n in range(count))
        await asyncio.gather(*posts)

    async def rename(self, server: int, title: str) -> None:
        """Another title."""
        path = f"/api/conversations/{self._conversation}"
        await self._at("ann", server).call("PATCH", path, {"title": title})

    async def add(self, name: str, server: int) -> None:
        """Let somebody in."""
        body = {"user_id": str(self._people[name].id), "role": "member"}
        path = f"/api/conversations/{self._conversation}/participants"
        await self._at("ann", server).post(path, body, expect=204)
        self.members.add(name)

    async def remove(self, name: str, server: int, *, by: str) -> None:
        """Take somebody out, or let them leave."""
        known = 204 if name in self.members else 404
        path = f"/api/conversations/{self._conversation}/participants/{self._people[name].id}"
        await self._at(by, server).call("DELETE", path, expect=known)
        self.members.discard(name)

    async def _write(self, name: str, server: int, path: str, text: str) -> None:
        expect = 201 if name in self.members else 404
        answer = await self._at(name, server).post(path, {"content": text}, expect=expect)
        if expect == 201:
            self._messages.append(answer["message_id"])

    # What clients do

    async def connect(
        self, who: str, server: int, cursor: str, back: int, concurrent_posts: int = 0
    ) -> None:
        """Connect a client, with a cursor of some kind; the server's answer is foretold.

        While a storm of posts goes on, it is less sure.
        """
        follower, name = self.model_clients[who], who.split(maxsplit=1)[0]
        if name not in self.members:
            await follower.disconnect()
            await self._is_refused(self._at(name, server))
            follower.state = None
            return
        last, oldest = await self._bounds()
        sent = self._cursor(follower, cursor, back, last)
        person = self._at(name, server)
        first = _expected_resets(sent, last, oldest)
        if concurrent_posts:
            first |= {None, "unknown", "too_far"}
        course = StreamContract(person.id, first, last)
        await asyncio.gather(
            follower.connect(person, sent, course), self.post_many(concurrent_posts, back)
        )

    def _cursor(self, follower: ModelClient, kind: str, back: int, last: int) -> str | None:
        match kind:
            case "last":
                return follower.state.position if follower.state else None
            case "older":
                seen = follower.state.position if follower.state else f"evt_{last}"
                return f"evt_{max(0, int(seen[4:]) - back)}"
            case "zero":
                return "evt_0"
            case "future":
                far = CONCURRENT_EVENTS_MAX if back % 2 else 0
                return f"evt_{last + 1 + back + far}"
            case "no id":
                return INVALID_IDS[back % len(INVALID_IDS)]
            case _:
                return None

    async def _is_refused(self, person: HttpUser) -> None:
        """At once, or within two seconds where the removal was not heard of yet."""
        path = f"/api/stream/conversations/{self._conversation}"
        for _ in range(REFUSED_SECONDS * 4):
            async with person.client.stream("GET", path) as answer:
                if answer.status_code == 404:
                    return
            await self._cluster.let_time_pass(0.25)
        raise AssertionError(f"still let in: {person.id}")

    async def _bounds(self) -> tuple[int, int]:
        row = await self._cluster.superuser.fetchrow(
            "SELECT c.last_event_number, COALESCE(min(e.number), c.last_event_number + 1) "
            "FROM rustygpt.conversations c LEFT JOIN rustygpt.events e ON e.conversation_id = c.id "
            "WHERE c.id = $1 GROUP BY c.id",
            UUID(self._conversation),
        )
        return row[0], row[1]

    # What happens to servers

    async def restart(self, server: int) -> None:
        """End a server and start it again."""
        await self._cluster.restart(server % len(self._cluster.urls))

    async def trim(self, keep: int) -> None:
        """Take all but so many of the latest events out of the log."""
        while await self._cluster.superuser.fetchval(
            "SELECT rustygpt.prune_events(now(), 1000000, $1, 500)", keep
        ):
            pass

    async def cut_listeners(self) -> None:
        """Let no server hear the others for a moment."""
        await self._cluster.cut_listeners()

    async def lose_notifications(self, count: int, keep: int) -> None:
        """A storm of which the other servers hear nothing, and of which the log soon has little."""
        await self.cut_listeners()
        await self.post_many(count, 0)
        await self.trim(keep)

    async def let_time_pass(self, seconds: float) -> None:
        """Let time pass."""
        await self._cluster.let_time_pass(seconds)

    # What has to hold

    def check(self) -> None:
        """No client has found anything wrong."""
        for follower in self.model_clients.values():
            follower.check()

    async def wait_until_consistent(self) -> None:
        """Soon everybody knows what is so, and whoever was removed hears nothing any more."""
        try:
            async with asyncio.timeout(CONSISTENCY_SECONDS):
                while waiting := await self._inconsistent():
                    self.check()
                    self._model.finish()
                    await self._cluster.let_time_pass(0.25)
        except TimeoutError:
            raise AssertionError(f"never settled: {waiting}") from None
        for who, follower in self.model_clients.items():
            if follower.connected and follower.state and follower.person:
                fresh = await load_all(
                    HttpSnapshotSource(follower.person),
                    UUID(self._conversation),
                    follower.person.id,
                )
                assert durable_state(follower.state) == durable_state(fresh), (
                    who,
                    follower.contract,
                )

    async def _inconsistent(self) -> list[Any]:
        """What is not known everywhere yet: answers in progress, and who lacks events."""
        fresh = await self._fresh()
        running = [m.id for tree in fresh.trees.values() for m in tree if m.streaming]
        behind = [
            (who, follower.contract)
            for who, follower in self.model_clients.items()
            if follower.connected
            and (
                (follower.contract and follower.contract.removed)
                or follower.state is None
                or follower.state.position != fresh.position
            )
        ]
        return running + behind

    async def _fresh(self) -> State:
        ann = self._at("ann", 0)
        return await load_all(HttpSnapshotSource(ann), UUID(self._conversation), ann.id)

    def _at(self, name: str, server: int) -> HttpUser:
        url = self._cluster.urls[server % len(self._cluster.urls)]
        if (name, url) not in self._clients:
            self._clients[name, url] = same_session_at(url, self._people[name])
        return self._clients[name, url]


def _expected_resets(sent: str | None, last: int, oldest: int) -> frozenset[str | None]:
    """The reasons of the reset that a cursor may be answered by.

    A process may still have what the log has not, and not know yet how far the log goes: then it
    goes on from the cursor where a reset was to be expected.
    """
    if sent is None:
        return frozenset({None})
    digits = sent.removeprefix("evt_")
    if sent in INVALID_IDS or int(digits) > last + CONCURRENT_EVENTS_MAX:
        return frozenset({"unknown"})
    if int(digits) > last:
        # An answer that ends, or a post, may reach the number before the request arrives.
        return frozenset({None, "unknown"})
    if int(digits) < oldest - 1 or last - int(digits) > BACKFILL:
        return frozenset({None, "trimmed", "too_far"})
    return frozenset({None})
