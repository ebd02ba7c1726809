"""A conversation on a fleet of servers: what may happen to it, and what always has to hold."""

import asyncio
from typing import Any
from uuid import UUID

from tests.support.api import Person, Site
from tests.support.fleets import Fleet, at
from tests.support.followers import Course, Follower
from tests.support.snapshots import Source, durable, load_all

from rustygpt_tui.store.state import State

NAMES = ("ann", "bob", "cid")
BACKFILL = 8
"""The servers' `sse.max_backfill_events`."""
SETTLING_SECONDS = 30
REFUSED_SECONDS = 2
NO_IDS = ("x", "evt_-1", "evt_01", "evt_9223372036854775808", "EVT_1", "evt_1 ", "1", "evt_1\x7f")


async def make_people(fleet: Fleet) -> dict[str, Person]:
    """Accounts that all worlds on a fleet share; their connections are each world's own."""
    site = Site(fleet.urls[0])
    people = {name: await site.person(name) for name in NAMES}
    await site.close()
    return people


class World:
    """One new conversation: Ann's, with Bob and Cid in it, and two clients of Ann's."""

    def __init__(self, fleet: Fleet, people: dict[str, Person], model: Any) -> None:
        self._fleet = fleet
        self._people = people
        self._model = model
        self._clients: dict[tuple[str, str], Person] = {}
        self._room = ""
        self._messages: list[str] = []
        self.members = set(NAMES)
        self.followers: dict[str, Follower] = {}

    async def begin(self) -> None:
        """Make the conversation, with everybody following it."""
        ann = self._at("ann", 0)
        self._room = await ann.conversation(is_group=True, assistant_mode="mention")
        for name in ("bob", "cid"):
            await self.add(name, 0)
        self._messages = [await ann.root(self._room, "the first")]
        self.followers = {who: Follower(self._room) for who in (*NAMES, "ann too")}
        for place, who in enumerate(self.followers):
            await self.connect(who, place, "last", 0)

    async def end(self) -> None:
        """Hang up everything."""
        for follower in self.followers.values():
            await follower.disconnect()
        for person in self._clients.values():
            await person.client.aclose()

    # What people do

    async def post(self, name: str, place: int, text: str) -> None:
        """A new thread."""
        await self._write(name, place, f"/api/threads/{self._room}/root", text)

    async def reply(self, name: str, place: int, which: int, text: str) -> None:
        """A reply to any message."""
        parent = self._messages[which % len(self._messages)]
        await self._write(name, place, f"/api/messages/{parent}/reply", text)

    async def storm(self, count: int, which: int) -> None:
        """Many replies at once, all over the place."""
        names = sorted(self.members)
        posts = (self.reply(names[n % len(names)], n, which + n // 2, f"{n}") for n in range(count))
        await asyncio.gather(*posts)

    async def rename(self, place: int, title: str) -> None:
        """Another title."""
        path = f"/api/conversations/{self._room}"
        await self._at("ann", place).call("PATCH", path, {"title": title})

    async def add(self, name: str, place: int) -> None:
        """Let somebody in."""
        body = {"user_id": str(self._people[name].id), "role": "member"}
        path = f"/api/conversations/{self._room}/participants"
        await self._at("ann", place).post(path, body, expect=204)
        self.members.add(name)

    async def remove(self, name: str, place: int, *, by: str) -> None:
        """Take somebody out, or let them leave."""
        known = 204 if name in self.members else 404
        path = f"/api/conversations/{self._room}/participants/{self._people[name].id}"
        await self._at(by, place).call("DELETE", path, expect=known)
        self.members.discard(name)

    async def _write(self, name: str, place: int, path: str, text: str) -> None:
        expect = 201 if name in self.members else 404
        answer = await self._at(name, place).post(path, {"content": text}, expect=expect)
        if expect == 201:
            self._messages.append(answer["message_id"])

    # What clients do

    async def connect(self, who: str, place: int, cursor: str, back: int, storm: int = 0) -> None:
        """Connect a client, with a cursor of some kind; the server's answer is foretold.

        While a storm of posts goes on, it is less sure.
        """
        follower, name = self.followers[who], who.split(maxsplit=1)[0]
        if name not in self.members:
            await follower.disconnect()
            await self._is_refused(self._at(name, place))
            follower.state = None
            return
        last, oldest = await self._bounds()
        sent = self._cursor(follower, cursor, back, last)
        person = self._at(name, place)
        first = _foretold(sent, last, oldest)
        if storm:
            first |= {None, "unknown", "too_far"}
        course = Course(person.id, first, last)
        await asyncio.gather(follower.connect(person, sent, course), self.storm(storm, back))

    def _cursor(self, follower: Follower, kind: str, back: int, last: int) -> str | None:
        match kind:
            case "last":
                return follower.state.position if follower.state else None
            case "older":
                seen = follower.state.position if follower.state else f"evt_{last}"
                return f"evt_{max(0, int(seen[4:]) - back)}"
            case "zero":
                return "evt_0"
            case "future":
                return f"evt_{last + 1 + back}"
            case "no id":
                return NO_IDS[back % len(NO_IDS)]
            case _:
                return None

    async def _is_refused(self, person: Person) -> None:
        """At once, or within two seconds where the removal was not heard of yet."""
        path = f"/api/stream/conversations/{self._room}"
        for _ in range(REFUSED_SECONDS * 4):
            async with person.client.stream("GET", path) as answer:
                if answer.status_code == 404:
                    return
            await self._fleet.pause(0.25)
        raise AssertionError(f"still let in: {person.id}")

    async def _bounds(self) -> tuple[int, int]:
        row = await self._fleet.owner.fetchrow(
            "SELECT c.last_event_number, COALESCE(min(e.number), c.last_event_number + 1) "
            "FROM rustygpt.conversations c LEFT JOIN rustygpt.events e ON e.conversation_id = c.id "
            "WHERE c.id = $1 GROUP BY c.id",
            UUID(self._room),
        )
        return row[0], row[1]

    # What happens to servers

    async def restart(self, place: int) -> None:
        """End a server and start it again."""
        await self._fleet.restart(place % len(self._fleet.urls))

    async def trim(self, keep: int) -> None:
        """Take all but so many of the latest events out of the log."""
        while await self._fleet.owner.fetchval(
            "SELECT rustygpt.prune_events(now(), 1000000, $1, 500)", keep
        ):
            pass

    async def cut_lines(self) -> None:
        """Let no server hear the others for a moment."""
        await self._fleet.cut_lines()

    async def miss(self, count: int, keep: int) -> None:
        """A storm of which the other servers hear nothing, and of which the log soon has little."""
        await self.cut_lines()
        await self.storm(count, 0)
        await self.trim(keep)

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        await self._fleet.pause(seconds)

    # What has to hold

    def check(self) -> None:
        """No client has found anything wrong."""
        for follower in self.followers.values():
            follower.check()

    async def settle(self) -> None:
        """Soon everybody knows what is so, and whoever was removed hears nothing any more."""
        try:
            async with asyncio.timeout(SETTLING_SECONDS):
                while waiting := await self._unsettled():
                    self.check()
                    self._model.finish()
                    await self._fleet.pause(0.25)
        except TimeoutError:
            raise AssertionError(f"never settled: {waiting}") from None
        for who, follower in self.followers.items():
            if follower.connected and follower.state and follower.person:
                fresh = await load_all(
                    Source(follower.person), UUID(self._room), follower.person.id
                )
                assert durable(follower.state) == durable(fresh), (who, follower.course)

    async def _unsettled(self) -> list[Any]:
        """What is not known everywhere yet: answers in progress, and who lacks events."""
        fresh = await self._fresh()
        running = [m.id for tree in fresh.trees.values() for m in tree if m.streaming]
        behind = [
            (who, follower.course)
            for who, follower in self.followers.items()
            if follower.connected
            and (
                (follower.course and follower.course.removed)
                or follower.state is None
                or follower.state.position != fresh.position
            )
        ]
        return running + behind

    async def _fresh(self) -> State:
        ann = self._at("ann", 0)
        return await load_all(Source(ann), UUID(self._room), ann.id)

    def _at(self, name: str, place: int) -> Person:
        url = self._fleet.urls[place % len(self._fleet.urls)]
        if (name, url) not in self._clients:
            self._clients[name, url] = at(url, self._people[name])
        return self._clients[name, url]


def _foretold(sent: str | None, last: int, oldest: int) -> frozenset[str | None]:
    """The reasons of the reset that a cursor may be answered by.

    A process may still have what the log has not, and not know yet how far the log goes: then it
    goes on from the cursor where a reset was to be expected.
    """
    if sent is None:
        return frozenset({None})
    digits = sent.removeprefix("evt_")
    if sent in NO_IDS or int(digits) > last:
        return frozenset({"unknown"})
    if int(digits) < oldest - 1 or last - int(digits) > BACKFILL:
        return frozenset({None, "trimmed", "too_far"})
    return frozenset({None})
