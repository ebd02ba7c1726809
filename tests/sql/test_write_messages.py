"""Many posts in one statement: each as if it were alone."""

import asyncio
import random
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import accounts, messages, participants
from rustygpt_server.db import events as db_events
from rustygpt_server.db.messages import ConversationBusy, NewMessage, Post, PostResult
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import Conflict, Forbidden, NotFound

Told = PostResult | ConversationBusy | Exception


async def write(scene: DatabaseBuilder, posts: list[Post], *, wait: bool = True) -> list[Told]:
    """Write posts in one statement."""
    answering = [scene.new_claim() for _ in posts]
    return await messages.post_messages(scene.db, posts, answering, scene.now, wait=wait)


def root(
    scene: DatabaseBuilder,
    actor: UUID,
    room: UUID,
    text: str = "hi",
    once: IdempotencyKey | None = None,
) -> Post:
    """A post that starts a thread."""
    return Post(actor, NewMessage(scene.id(), text, idempotency=once), conversation_id=room)


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

    async def posts(self, scene: DatabaseBuilder) -> list[Post]:
        """The plan with new people, two rooms, and messages of its own."""
        people = [await scene.person(f"p{scene.id()}") for _ in range(3)]
        people.append(await scene.person(f"r{scene.id()}", "read_only"))
        rooms = [
            await scene.conversation(people[0], people[1], people[3], mode="mention") for _ in "ab"
        ]
        await participants.add_participant(
            scene.db, people[0], rooms[0], people[2], "viewer", scene.now
        )
        people.append(scene.id())
        parents = [(await scene.post(people[0], room)).posted.message_id for room in rooms]
        parents.append(scene.id())
        made = []
        for who, where, place, text, key, role in self.steps:
            told = f"{where} {place} {text}".encode() * 32
            once = IdempotencyKey(f"k{key}", told[:32]) if key else None
            draft = NewMessage(scene.id(), text, role, idempotency=once)
            at = {"conversation_id": rooms[where]} if place < 0 else {"parent_id": parents[place]}
            made.append(Post(people[who], draft, **at))
        return made


def plain(told: list[Told], posts: list[Post]) -> list[object]:
    """What was answered, by places in the plan instead of ids."""
    places = {post.message.id: number for number, post in enumerate(posts)}
    shown: list[object] = []
    for one in told:
        if isinstance(one, PostResult):
            posted = one.posted
            where = [places.get(i) for i in (posted.message_id, posted.root_id, posted.parent_id)]
            events = [(event.number, event.type) for event in one.events]
            shown.append((where, posted.depth, one.replayed, events, one.answer is not None))
        else:
            shown.append((type(one).__name__, str(one)))
    return shown


@pytest.mark.parametrize("seed", range(8))
async def test_together_is_as_one_after_the_other(builder: DatabaseBuilder, seed: int) -> None:
    """Answers, refusals, keys, numbers and answers begun are those of each post alone."""
    plan = Plan(seed)
    posts = await plan.posts(builder)
    together = plain(await write(builder, posts, wait=bool(seed % 2)), posts)
    posts = await plan.posts(builder)
    alone = plain([(await write(builder, [post]))[0] for post in posts], posts)

    assert together == alone
    assert len({str(one[0]) for one in together}) > 5  # type: ignore[index]


async def test_a_refusal_refuses_one(builder: DatabaseBuilder) -> None:
    """Those beside it are written, and their numbers have no hole."""
    ada, bob, eve = [await builder.person(name) for name in ("ada", "bob", "eve")]
    room = await builder.conversation(ada, bob, role="viewer")
    once, other = IdempotencyKey("k", b"1" * 32), IdempotencyKey("k", b"2" * 32)
    there = await builder.post(ada, room)
    told = await write(
        builder,
        [
            *(
                root(builder, ada, room, once=once),
                root(builder, eve, room),
                root(builder, bob, room),
            ),
            *(Post(ada, NewMessage(builder.id(), "?"), parent_id=builder.id()),),
            *(root(builder, ada, room, once=other), root(builder, ada, room, once=once)),
            Post(ada, NewMessage(builder.id(), "!"), parent_id=there.posted.message_id),
        ],
    )

    kinds = [type(one) for one in told]
    assert kinds == [PostResult, NotFound, Forbidden, NotFound, Conflict, PostResult, PostResult]
    written = [one for one in told if isinstance(one, PostResult)]
    assert [one.replayed for one in written] == [False, True, False]
    logged = await db_events.read_events(builder.db, room, 0, 10)
    assert [event.number for event in logged] == list(range(1, 8))


async def test_a_disabled_person_writes_nothing(builder: DatabaseBuilder) -> None:
    """Beside others who do."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    room = await builder.conversation(ada, bob)
    await accounts.update_user(
        *(builder.db, builder.admin, bob),
        disabled=True,
        roles=None,
        password_hash=None,
        now=builder.now,
    )
    told = await write(builder, [root(builder, bob, room), root(builder, ada, room)])

    assert [type(one) for one in told] == [NotFound, PostResult]


async def test_who_is_busy_holds_up_nobody_else(builder: DatabaseBuilder, superuser: Any) -> None:
    """A conversation that somebody is writing to is told at once, the others are written."""
    ada = await builder.person("ada")
    stuck, free = await builder.conversation(ada), await builder.conversation(ada)
    parent = (await builder.post(ada, stuck)).posted.message_id
    posts = [
        root(builder, ada, stuck),
        root(builder, ada, free),
        Post(ada, NewMessage(builder.id(), "reply"), parent_id=parent),
    ]
    async with superuser.transaction():
        await superuser.execute(
            "SELECT 1 FROM rustygpt.conversations WHERE id = $1 FOR NO KEY UPDATE", stuck
        )
        async with asyncio.timeout(1.5):
            told = await write(builder, posts, wait=False)

    assert [told[0], told[2]] == [ConversationBusy(stuck), ConversationBusy(stuck)]
    assert isinstance(told[1], PostResult)
    assert all(isinstance(one, PostResult) for one in await write(builder, [posts[0], posts[2]]))


async def test_a_key_in_use_holds_up_nobody_else(builder: DatabaseBuilder, superuser: Any) -> None:
    """Its post is told to be busy, and is written by a statement that waits."""
    ada = await builder.person("ada")
    room = await builder.conversation(ada)
    posts = [
        root(builder, ada, room, once=IdempotencyKey("k", b"1" * 32)),
        root(builder, ada, room),
    ]
    async with superuser.transaction():
        key = "SELECT pg_advisory_xact_lock(rustygpt.key_lock($1, 'k'))"
        await superuser.execute(key, ada)
        async with asyncio.timeout(1.5):
            told = await write(builder, posts, wait=False)

    assert told[0] == ConversationBusy(room)
    assert isinstance(told[1], PostResult)
    assert isinstance((await write(builder, posts[:1]))[0], PostResult)


async def test_statements_that_cross_never_wait_for_each_other(builder: DatabaseBuilder) -> None:
    """The same conversations and keys, in any order: nothing fails, each key is used once."""
    ada = await builder.person("ada")
    rooms = [await builder.conversation(ada) for _ in range(4)]
    chosen = random.Random(1)

    async def one(number: int) -> list[Told]:
        keys = [(room, IdempotencyKey(str(place), bytes(32))) for place, room in enumerate(rooms)]
        chosen.shuffle(keys)
        posts = [root(builder, ada, room, f"{number}", once) for room, once in keys]
        posts += [root(builder, ada, room) for room in rooms]
        return await write(builder, posts)

    told = [one for some in await asyncio.gather(*map(one, range(20))) for one in some]

    assert all(isinstance(one, PostResult) for one in told)
    assert sum(isinstance(one, PostResult) and one.replayed for one in told) == 19 * 4
