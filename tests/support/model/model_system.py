"""A model test's system: one conversation on several servers, its actions and invariants."""

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
"""More events than can be written between the choice of a cursor and its arrival."""
REJECTION_SECONDS = 2
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
    """Create the accounts that all systems on a cluster share; their connections are not shared."""
    server = RunningServer(cluster.urls[0])
    people = {name: await server.person(name) for name in NAMES}
    await server.close()
    return people


class ModelSystem:
    """A new conversation of Ann with Bob and Cid, and two clients of Ann."""

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
        """Create the conversation, and let all clients follow it."""
        ann = self._at("ann", 0)
        self._conversation = await ann.conversation(is_group=True, assistant_mode="mention")
        for name in ("bob", "cid"):
            await self.add(name, 0)
        self._messages = [await ann.root(self._conversation, "the first")]
        self.model_clients = {
            client_name: ModelClient(self._conversation) for client_name in (*NAMES, "ann too")
        }
        for index, client_name in enumerate(self.model_clients):
            await self.connect(client_name, index, "last", 0)

    async def tear_down(self) -> None:
        """Close all streams and connections."""
        for client in self.model_clients.values():
            await client.disconnect()
        for person in self._clients.values():
            await person.client.aclose()

    # Actions of users

    async def post(self, name: str, server: int, text: str) -> None:
        """Post the root of a new thread."""
        await self._write(name, server, f"/api/threads/{self._conversation}/root", text)

    async def reply(self, name: str, server: int, which: int, text: str) -> None:
        """Reply to a message."""
        parent = self._messages[which % len(self._messages)]
        await self._write(name, server, f"/api/messages/{parent}/reply", text)

    async def post_many(self, count: int, which: int) -> None:
        """Post many replies at the same time, through all servers."""
        names = sorted(self.members)
        posts = (self.reply(names[n % len(names)], n, which + n // 2, f"{n}") for n in range(count))
        await asyncio.gather(*posts)

    async def rename(self, server: int, title: str) -> None:
        """Change the title."""
        path = f"/api/conversations/{self._conversation}"
        await self._at("ann", server).call("PATCH", path, {"title": title})

    async def add(self, name: str, server: int) -> None:
        """Add a member."""
        await self._at("ann", server).add_participant(self._conversation, self._people[name])
        self.members.add(name)

    async def remove(self, name: str, server: int, *, by: str) -> None:
        """Remove a member, or let them leave."""
        expected_status = 204 if name in self.members else 404
        path = f"/api/conversations/{self._conversation}/participants/{self._people[name].id}"
        await self._at(by, server).call("DELETE", path, expect=expected_status)
        self.members.discard(name)

    async def _write(self, name: str, server: int, path: str, text: str) -> None:
        """Post a message, which fails for a user who is no member."""
        expect = 201 if name in self.members else 404
        posted = await self._at(name, server).post(path, {"content": text}, expect=expect)
        if expect == 201:
            self._messages.append(posted["message_id"])

    # Actions of clients

    async def connect(
        self, client_name: str, server: int, cursor: str, back: int, concurrent_posts: int = 0
    ) -> None:
        """Connect a client with a kind of cursor, and check the server's response.

        With concurrent posts, several responses are correct.
        """
        client = self.model_clients[client_name]
        name = client_name.split(maxsplit=1)[0]
        if name not in self.members:
            await client.disconnect()
            await self._wait_for_rejection(self._at(name, server))
            client.state = None
            return
        last, oldest = await self._bounds()
        sent_cursor = self._cursor(client, cursor, back, last)
        person = self._at(name, server)
        allowed_resets = _expected_resets(sent_cursor, last, oldest)
        if concurrent_posts:
            allowed_resets |= {None, "unknown", "too_far"}
        contract = StreamContract(person.id, allowed_resets, last)
        await asyncio.gather(
            client.connect(person, sent_cursor, contract), self.post_many(concurrent_posts, back)
        )

    def _cursor(self, client: ModelClient, kind: str, back: int, last: int) -> str | None:
        """Return a cursor of a kind."""
        match kind:
            case "last":
                return client.state.position if client.state else None
            case "older":
                position = client.state.position if client.state else f"evt_{last}"
                return f"evt_{max(0, int(position[4:]) - back)}"
            case "zero":
                return "evt_0"
            case "future":
                extra = CONCURRENT_EVENTS_MAX if back % 2 else 0
                return f"evt_{last + 1 + back + extra}"
            case "no id":
                return INVALID_IDS[back % len(INVALID_IDS)]
            case _:
                return None

    async def _wait_for_rejection(self, person: HttpUser) -> None:
        """Wait until a stream is rejected: some servers may not know of a removal yet."""
        path = f"/api/stream/conversations/{self._conversation}"
        for _ in range(REJECTION_SECONDS * 4):
            async with person.client.stream("GET", path) as response:
                if response.status_code == 404:
                    return
            await self._cluster.let_time_pass(0.25)
        raise AssertionError(f"still has access: {person.id}")

    async def _bounds(self) -> tuple[int, int]:
        """Return the number of the last event, and of the oldest event in the log."""
        row = await self._cluster.superuser.fetchrow(
            "SELECT c.last_event_number, COALESCE(min(e.number), c.last_event_number + 1) "
            "FROM rustygpt.conversations c LEFT JOIN rustygpt.events e ON e.conversation_id = c.id "
            "WHERE c.id = $1 GROUP BY c.id",
            UUID(self._conversation),
        )
        return row[0], row[1]

    # Failures of servers

    async def restart(self, server: int) -> None:
        """Stop a server and start it again."""
        await self._cluster.restart(server % len(self._cluster.urls))

    async def trim(self, keep: int) -> None:
        """Delete all but the latest `keep` events from the log."""
        while await self._cluster.superuser.fetchval(
            "SELECT rustygpt.prune_events(now(), 1000000, $1, 500)", keep
        ):
            pass

    async def cut_listeners(self) -> None:
        """Terminate the connections on which servers listen to each other."""
        await self._cluster.cut_listeners()

    async def lose_notifications(self, count: int, keep: int) -> None:
        """Post many messages without notifications, and then trim the log."""
        await self.cut_listeners()
        await self.post_many(count, 0)
        await self.trim(keep)

    async def let_time_pass(self, seconds: float) -> None:
        """Let time pass on all servers."""
        await self._cluster.let_time_pass(seconds)

    # Invariants

    def check(self) -> None:
        """Raise the first error that a client had."""
        for client in self.model_clients.values():
            client.check()

    async def wait_until_consistent(self) -> None:
        """Wait until all clients have the current state, and removed members are disconnected."""
        try:
            async with asyncio.timeout(CONSISTENCY_SECONDS):
                while inconsistent := await self._inconsistent():
                    self.check()
                    self._model.finish()
                    await self._cluster.let_time_pass(0.25)
        except TimeoutError:
            raise AssertionError(f"still inconsistent: {inconsistent}") from None
        for client_name, client in self.model_clients.items():
            if client.connected and client.state and client.person:
                fresh = await load_all(
                    HttpSnapshotSource(client.person),
                    UUID(self._conversation),
                    client.person.id,
                )
                assert durable_state(client.state) == durable_state(fresh), (
                    client_name,
                    client.contract,
                )

    async def _inconsistent(self) -> list[Any]:
        """Return the running answers, and the clients whose state is not current."""
        fresh = await self._fresh()
        running = [m.id for tree in fresh.trees.values() for m in tree if m.streaming]
        behind = [
            (client_name, client.contract)
            for client_name, client in self.model_clients.items()
            if client.connected
            and (
                (client.contract and client.contract.removed)
                or client.state is None
                or client.state.position != fresh.position
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


def _expected_resets(cursor: str | None, last: int, oldest: int) -> frozenset[str | None]:
    """Return the reasons of the resets that a cursor may be answered by; None for no reset.

    A server may still have events that were trimmed from the log, and then continues from a cursor
    that another server would reset.
    """
    if cursor is None:
        return frozenset({None})
    digits = cursor.removeprefix("evt_")
    if cursor in INVALID_IDS or int(digits) > last + CONCURRENT_EVENTS_MAX:
        return frozenset({"unknown"})
    if int(digits) > last:
        # An answer that ends, or a post, may reach the number before the request arrives.
        return frozenset({None, "unknown"})
    if int(digits) < oldest - 1 or last - int(digits) > BACKFILL:
        return frozenset({None, "trimmed", "too_far"})
    return frozenset({None})
