"""Several posts in one statement: each has the same result as alone."""

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

Result = PostResult | ConversationBusy | Exception


async def write(builder: DatabaseBuilder, posts: list[Post], *, wait: bool = True) -> list[Result]:
    """Post messages in one statement."""
    answering = [builder.new_claim() for _ in posts]
    return await messages.post_messages(builder.db, posts, answering, builder.now, wait=wait)


def root(
    builder: DatabaseBuilder,
    actor: UUID,
    conversation_id: UUID,
    text: str = "hi",
    once: IdempotencyKey | None = None,
) -> Post:
    """A post that starts a thread."""
    return Post(
        actor, NewMessage(builder.id(), text, idempotency=once), conversation_id=conversation_id
    )


class Plan:
    """Random posts by users with and without the right to post, independent of ids."""

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

    async def posts(self, builder: DatabaseBuilder) -> list[Post]:
        """The plan with new users, two conversations, and messages of its own."""
        people = [await builder.person(f"p{builder.id()}") for _ in range(3)]
        people.append(await builder.person(f"r{builder.id()}", "read_only"))
        conversation_ids = [
            await builder.conversation(people[0], people[1], people[3], mode="mention")
            for _ in "ab"
        ]
        await participants.add_participant(
            builder.db, people[0], conversation_ids[0], people[2], "viewer", builder.now
        )
        people.append(builder.id())
        parents = [
            (await builder.post(people[0], conversation_id)).posted.message_id
            for conversation_id in conversation_ids
        ]
        parents.append(builder.id())
        made = []
        for who, where, place, text, key, role in self.steps:
            body = f"{where} {place} {text}".encode() * 32
            once = IdempotencyKey(f"k{key}", body[:32]) if key else None
            draft = NewMessage(builder.id(), text, role, idempotency=once)
            at = (
                {"conversation_id": conversation_ids[where]}
                if place < 0
                else {"parent_id": parents[place]}
            )
            made.append(Post(people[who], draft, **at))
        return made


def plain(results: list[Result], posts: list[Post]) -> list[object]:
    """The results, with positions in the plan instead of ids."""
    places = {post.message.id: number for number, post in enumerate(posts)}
    shown: list[object] = []
    for one in results:
        if isinstance(one, PostResult):
            posted = one.posted
            where = [places.get(i) for i in (posted.message_id, posted.root_id, posted.parent_id)]
            events = [(event.number, event.type) for event in one.events]
            shown.append((where, posted.depth, one.replayed, events, one.answer is not None))
        else:
            shown.append((type(one).__name__, str(one)))
    return shown


@pytest.mark.parametrize("seed", range(8))
async def test_posts_in_one_statement_have_the_same_results_as_alone(
    builder: DatabaseBuilder, seed: int
) -> None:
    """Results, errors, keys, event numbers and started answers are those of each post alone."""
    plan = Plan(seed)
    posts = await plan.posts(builder)
    together = plain(await write(builder, posts, wait=bool(seed % 2)), posts)
    posts = await plan.posts(builder)
    alone = plain([(await write(builder, [post]))[0] for post in posts], posts)

    assert together == alone
    assert len({str(one[0]) for one in together}) > 5  # type: ignore[index]


async def test_an_error_in_one_post_does_not_affect_the_others(builder: DatabaseBuilder) -> None:
    """The others are stored, and their event numbers have no gap."""
    ada, bob, eve = [await builder.person(name) for name in ("ada", "bob", "eve")]
    conversation_id = await builder.conversation(ada, bob, role="viewer")
    once, other = IdempotencyKey("k", b"1" * 32), IdempotencyKey("k", b"2" * 32)
    there = await builder.post(ada, conversation_id)
    results = await write(
        builder,
        [
            *(
                root(builder, ada, conversation_id, once=once),
                root(builder, eve, conversation_id),
                root(builder, bob, conversation_id),
            ),
            *(Post(ada, NewMessage(builder.id(), "?"), parent_id=builder.id()),),
            *(
                root(builder, ada, conversation_id, once=other),
                root(builder, ada, conversation_id, once=once),
            ),
            Post(ada, NewMessage(builder.id(), "!"), parent_id=there.posted.message_id),
        ],
    )

    kinds = [type(one) for one in results]
    assert kinds == [PostResult, NotFound, Forbidden, NotFound, Conflict, PostResult, PostResult]
    written = [one for one in results if isinstance(one, PostResult)]
    assert [one.replayed for one in written] == [False, True, False]
    logged = await db_events.read_events(builder.db, conversation_id, 0, 10)
    assert [event.number for event in logged] == list(range(1, 8))


async def test_a_disabled_user_cannot_post(builder: DatabaseBuilder) -> None:
    """Other posts in the statement are stored."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    conversation_id = await builder.conversation(ada, bob)
    await accounts.update_user(
        *(builder.db, builder.admin, bob),
        disabled=True,
        roles=None,
        password_hash=None,
        now=builder.now,
    )
    results = await write(
        builder, [root(builder, bob, conversation_id), root(builder, ada, conversation_id)]
    )

    assert [type(one) for one in results] == [NotFound, PostResult]


async def test_a_locked_conversation_does_not_delay_others(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Its posts are reported as busy at once, the others are stored."""
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
        async with asyncio.timeout(60):
            results = await write(builder, posts, wait=False)

    assert [results[0], results[2]] == [ConversationBusy(stuck), ConversationBusy(stuck)]
    assert isinstance(results[1], PostResult)
    assert all(isinstance(one, PostResult) for one in await write(builder, [posts[0], posts[2]]))


async def test_a_locked_idempotency_key_does_not_delay_others(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Its post is reported as busy, and a statement that waits stores it."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    posts = [
        root(builder, ada, conversation_id, once=IdempotencyKey("k", b"1" * 32)),
        root(builder, ada, conversation_id),
    ]
    async with superuser.transaction():
        key = "SELECT pg_advisory_xact_lock(rustygpt.idempotency_lock_id($1, 'k'))"
        await superuser.execute(key, ada)
        async with asyncio.timeout(60):
            results = await write(builder, posts, wait=False)

    assert results[0] == ConversationBusy(conversation_id)
    assert isinstance(results[1], PostResult)
    assert isinstance((await write(builder, posts[:1]))[0], PostResult)


async def test_concurrent_statements_do_not_deadlock(builder: DatabaseBuilder) -> None:
    """The same conversations and keys in any order: no error, and each key is used once."""
    ada = await builder.person("ada")
    conversation_ids = [await builder.conversation(ada) for _ in range(4)]
    chosen = random.Random(1)

    async def one(number: int) -> list[Result]:
        keys = [
            (conversation_id, IdempotencyKey(str(place), bytes(32)))
            for place, conversation_id in enumerate(conversation_ids)
        ]
        chosen.shuffle(keys)
        posts = [
            root(builder, ada, conversation_id, f"{number}", once) for conversation_id, once in keys
        ]
        posts += [root(builder, ada, conversation_id) for conversation_id in conversation_ids]
        return await write(builder, posts)

    results = [one for some in await asyncio.gather(*map(one, range(20))) for one in some]

    assert all(isinstance(one, PostResult) for one in results)
    assert sum(isinstance(one, PostResult) and one.replayed for one in results) == 19 * 4
