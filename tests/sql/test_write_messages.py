"""Many posts in one statement: each as if it were alone."""

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest
from tests.support.scene import Scene

from rustygpt_server.db import accounts, feeds, members, messages
from rustygpt_server.db.messages import Busy, Draft, Post, Written
from rustygpt_server.db.refusals import Conflict, Forbidden, NotFound
from rustygpt_server.db.rows import Once

Told = Written | Busy | Exception


async def write(scene: Scene, posts: list[Post], *, wait: bool = True) -> list[Told]:
    """Write posts in one statement."""
    answering = [scene.answering() for _ in posts]
    return await messages.write_messages(scene.db, posts, answering, scene.now, wait=wait)


def root(scene: Scene, actor: UUID, room: UUID, text: str = "hi", once: Once | None = None) -> Post:
    """A post that starts a thread."""
    return Post(actor, Draft(scene.id(), text, once=once), conversation_id=room)


class Plan:
    """Posts by people who may and who may not, the same whatever the ids."""

    def __init__(self, seed: int) -> None:
        self.chosen = random.Random(seed)
        self.steps = [self._step(n) for n in range(40)]

    def _step(self, number: int) -> tuple[int, int, int, str, int, str]:
        chosen = self.chosen
        text = chosen.choice(["hello", "hi @assistant", f"text {number}"])
        key = chosen.choice([0, 0, 1, 2, 3])
        role = chosen.choice(["user", "user", "user", "user", "system", "assistant"])
        place = chosen.choice([-1, -1, 0, 0, 1, 2])
        return chosen.choice([0, 0, 1, 1, 2, 3, 4]), number % 2, place, text, key, role

    async def posts(self, scene: Scene) -> list[Post]:
        """The plan with new people, two rooms, and messages of its own."""
        people = [await scene.person(f"p{scene.id()}") for _ in range(3)]
        people.append(await scene.person(f"r{scene.id()}", "read_only"))
        rooms = [await scene.room(people[0], people[1], people[3], mode="mention") for _ in "ab"]
        await members.add_participant(scene.db, people[0], rooms[0], people[2], "viewer", scene.now)
        people.append(scene.id())
        parents = [(await scene.post(people[0], room)).posted.message_id for room in rooms]
        parents.append(scene.id())
        made = []
        for who, where, place, text, key, role in self.steps:
            told = f"{where} {place} {text}".encode() * 32
            once = Once(f"k{key}", told[:32]) if key else None
            draft = Draft(scene.id(), text, role, once=once)
            at = {"conversation_id": rooms[where]} if place < 0 else {"parent_id": parents[place]}
            made.append(Post(people[who], draft, **at))
        return made


def plain(told: list[Told], posts: list[Post]) -> list[object]:
    """What was answered, by places in the plan instead of ids."""
    places = {post.draft.id: number for number, post in enumerate(posts)}
    shown: list[object] = []
    for one in told:
        if isinstance(one, Written):
            posted = one.posted
            where = [places.get(i) for i in (posted.message_id, posted.root_id, posted.parent_id)]
            events = [(event.number, event.type) for event in one.events]
            shown.append((where, posted.depth, one.replayed, events, one.answer is not None))
        else:
            shown.append((type(one).__name__, str(one)))
    return shown


@pytest.mark.parametrize("seed", range(8))
async def test_together_is_as_one_after_the_other(scene: Scene, seed: int) -> None:
    """Answers, refusals, keys, numbers and answers begun are those of each post alone."""
    plan = Plan(seed)
    posts = await plan.posts(scene)
    together = plain(await write(scene, posts, wait=bool(seed % 2)), posts)
    posts = await plan.posts(scene)
    alone = plain([(await write(scene, [post]))[0] for post in posts], posts)

    assert together == alone
    assert len({str(one[0]) for one in together}) > 5  # type: ignore[index]


async def test_a_refusal_refuses_one(scene: Scene) -> None:
    """Those beside it are written, and their numbers have no hole."""
    ada, bob, eve = [await scene.person(name) for name in ("ada", "bob", "eve")]
    room = await scene.room(ada, bob, role="viewer")
    once, other = Once("k", b"1" * 32), Once("k", b"2" * 32)
    there = await scene.post(ada, room)
    told = await write(
        scene,
        [
            *(root(scene, ada, room, once=once), root(scene, eve, room), root(scene, bob, room)),
            *(Post(ada, Draft(scene.id(), "?"), parent_id=scene.id()),),
            *(root(scene, ada, room, once=other), root(scene, ada, room, once=once)),
            Post(ada, Draft(scene.id(), "!"), parent_id=there.posted.message_id),
        ],
    )

    kinds = [type(one) for one in told]
    assert kinds == [Written, NotFound, Forbidden, NotFound, Conflict, Written, Written]
    written = [one for one in told if isinstance(one, Written)]
    assert [one.replayed for one in written] == [False, True, False]
    logged = await feeds.read_events(scene.db, room, 0, 10)
    assert [event.number for event in logged] == list(range(1, 8))


async def test_a_disabled_person_writes_nothing(scene: Scene) -> None:
    """Beside others who do."""
    ada, bob = await scene.person("ada"), await scene.person("bob")
    room = await scene.room(ada, bob)
    await accounts.update_user(
        *(scene.db, scene.admin, bob),
        disabled=True,
        roles=None,
        password_hash=None,
        now=scene.now,
    )
    told = await write(scene, [root(scene, bob, room), root(scene, ada, room)])

    assert [type(one) for one in told] == [NotFound, Written]


async def test_who_is_busy_holds_up_nobody_else(scene: Scene, owner: Any) -> None:
    """A conversation that somebody is writing to is told at once, the others are written."""
    ada = await scene.person("ada")
    stuck, free = await scene.room(ada), await scene.room(ada)
    parent = (await scene.post(ada, stuck)).posted.message_id
    posts = [
        root(scene, ada, stuck),
        root(scene, ada, free),
        Post(ada, Draft(scene.id(), "reply"), parent_id=parent),
    ]
    async with owner.transaction():
        await owner.execute(
            "SELECT 1 FROM rustygpt.conversations WHERE id = $1 FOR NO KEY UPDATE", stuck
        )
        async with asyncio.timeout(1.5):
            told = await write(scene, posts, wait=False)

    assert [told[0], told[2]] == [Busy(stuck), Busy(stuck)]
    assert isinstance(told[1], Written)
    assert all(isinstance(one, Written) for one in await write(scene, [posts[0], posts[2]]))


async def test_a_key_in_use_holds_up_nobody_else(scene: Scene, owner: Any) -> None:
    """Its post is told to be busy, and is written by a statement that waits."""
    ada = await scene.person("ada")
    room = await scene.room(ada)
    posts = [root(scene, ada, room, once=Once("k", b"1" * 32)), root(scene, ada, room)]
    async with owner.transaction():
        key = "SELECT pg_advisory_xact_lock(rustygpt.idempotency_lock_id($1, 'k'))"
        await owner.execute(key, ada)
        async with asyncio.timeout(1.5):
            told = await write(scene, posts, wait=False)

    assert told[0] == Busy(room)
    assert isinstance(told[1], Written)
    assert isinstance((await write(scene, posts[:1]))[0], Written)


async def test_statements_that_cross_never_wait_for_each_other(scene: Scene) -> None:
    """The same conversations and keys, in any order: nothing fails, each key is used once."""
    ada = await scene.person("ada")
    rooms = [await scene.room(ada) for _ in range(4)]
    chosen = random.Random(1)

    async def one(number: int) -> list[Told]:
        keys = [(room, Once(str(place), bytes(32))) for place, room in enumerate(rooms)]
        chosen.shuffle(keys)
        posts = [root(scene, ada, room, f"{number}", once) for room, once in keys]
        posts += [root(scene, ada, room) for room in rooms]
        return await write(scene, posts)

    told = [one for some in await asyncio.gather(*map(one, range(20))) for one in some]

    assert all(isinstance(one, Written) for one in told)
    assert sum(isinstance(one, Written) and one.replayed for one in told) == 19 * 4
