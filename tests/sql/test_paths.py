"""The sort keys of messages: their order is depth-first, and they remain short."""

import json
import random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.database.paths import Steps, Tree, encode

from rustygpt_server.db import messages, threads
from rustygpt_server.errors import Conflict

TREES = st.lists(st.integers(0, 10_000), min_size=1, max_size=60)

CHAIN = """
DO $$
DECLARE _message rustygpt.messages;
BEGIN
  SELECT * INTO _message FROM rustygpt.messages WHERE root_id = '{root}' AND depth = 1;
  FOR _n IN 1 .. {count} LOOP
    _message.path := rustygpt.path_for_child(_message.root_id, _message.path, _message.depth);
    _message.parent_id := _message.id;
    _message.id := gen_random_uuid();
    _message.depth := _message.depth + 1;
    _message.seq := _message.seq + 1;
    _message.created_event := _message.created_event + 1;
    INSERT INTO rustygpt.messages SELECT (_message).*;
  END LOOP;
END $$
"""

WIDE = """
INSERT INTO rustygpt.messages (id, root_id, conversation_id, role, content, path, depth, seq,
  created_at, parent_id, author_user_id, author_name, created_event)
SELECT gen_random_uuid(), root_id, conversation_id, role, content,
  rustygpt.path_encode(ARRAY[n]), 2, n + 1, created_at, id, author_user_id, author_name,
  created_event + n
FROM rustygpt.messages, generate_series(1, {count}) AS n WHERE root_id = '{root}'
"""


async def test_the_model_and_the_database_make_the_same_keys(superuser: Any) -> None:
    """For any tree the order of the keys in the model is depth-first, and the database agrees."""
    pairs: set[tuple[Steps, Steps | None, Steps]] = set()

    @settings(max_examples=300, deadline=None, database=None)
    @given(TREES)
    def grow(choices: list[int]) -> None:
        tree = Tree()
        for choice in choices:
            before, after = tree.add(choice % len(tree.order))
            pairs.add((before, after, tree.steps[len(tree.order) - 1]))
        assert tree.order == tree.depth_first()
        keys = [encode(tree.steps[node]) for node in tree.order]
        assert keys == sorted(set(keys))

    grow()
    found = await superuser.fetch(
        "SELECT rustygpt.path_between(b, a) FROM unnest($1::text[], $2::text[]) AS p (b, a)",
        [encode(before) for before, _, _ in pairs],
        [after and encode(after) for _, after, _ in pairs],
    )
    assert [row[0] for row in found] == [encode(new) for _, _, new in pairs]


async def test_the_byte_order_of_keys_is_the_order_of_integers(superuser: Any) -> None:
    """Keys sort like the sequences of integers that they encode, and decode to them."""
    rng = random.Random(7)
    edges = [s * (n + d) for n in (0, 20, 21, 82, 83, 3_864, 3_865, 10**12) for d in (-1, 0, 1) for s in (1, -1)]  # fmt: skip  # noqa: E501
    steps = [tuple(rng.choices(edges, k=rng.randint(1, 4))) for _ in range(500)]
    steps += [(e,) for e in edges]
    rows = await superuser.fetch(
        "SELECT s, rustygpt.path_encode(array(SELECT json_array_elements_text(s::json)::bigint))"
        " FROM unnest($1::text[]) AS s",
        [json.dumps(s) for s in steps],
    )
    keys = {tuple(json.loads(row[0])): row[1] for row in rows}
    assert keys == {s: encode(s) for s in steps}
    assert sorted(keys, key=keys.__getitem__) == sorted(keys)
    back = await superuser.fetch(
        "SELECT rustygpt.path_decode(p) FROM unnest($1::text[]) AS p", list(keys.values())
    )
    assert [tuple(row[0]) for row in back] == list(keys)


@pytest.mark.parametrize("seed", range(4))
async def test_replies_at_random_positions_stay_in_depth_first_order(
    builder: DatabaseBuilder, seed: int
) -> None:
    """For random parents the listed tree is depth-first, with siblings in the order of posts."""
    rng = random.Random(seed)
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    ids = [(await builder.post(ada, conversation_id, "0")).posted.message_id]
    tree = Tree()
    for number in range(1, 120):
        deep = rng.random() < 0.6
        parent = number - 1 if deep else rng.randrange(number)
        tree.add(parent)
        written = await builder.reply(ada, ids[parent], str(number))
        ids.append(written.posted.message_id)
    listed = (await threads.list_tree(builder.db, ada, ids[0], threads.TreeStart(), 200)).items
    assert [int(m.content) for m in listed] == tree.depth_first()
    assert [m.path for m in listed] == [encode(tree.steps[n]) for n in tree.order]


async def big(builder: DatabaseBuilder, owner: Any, script: str, count: int) -> tuple[UUID, UUID]:
    """A user, and a thread with many messages that a script inserts."""
    ada = await builder.person(f"ada{count}")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    await owner.execute(script.format(root=root, count=count))
    await owner.execute(
        "UPDATE rustygpt.threads SET last_seq = last_seq + $2, message_count = message_count + $2,"
        " last_created_event = last_created_event + $2 WHERE root_id = $1",
        root,
        count,
    )
    await owner.execute("ANALYZE rustygpt.messages")
    return ada, root


async def buffers(owner: Any, call: str) -> int:
    """The number of buffers that a procedure reads, measured on the procedure itself."""
    for _ in range(2):  # the second has its plans and catalogs ready
        plan = await owner.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM rustygpt.{call}"
        )
    root_plan = json.loads(plan)[0]["Plan"]
    return int(root_plan["Shared Hit Blocks"] + root_plan["Shared Read Blocks"])


async def call_in_the_middle(owner: Any, template: str, actor: UUID, root: UUID, seq: int) -> str:
    """The call of a procedure for a page in the middle of a thread."""
    path, message = await owner.fetchrow(
        "SELECT path, id FROM rustygpt.messages WHERE root_id = $1 AND seq = $2", root, seq
    )
    return template.format(actor=actor, root=root, path=path, message=message, seq=seq)


@pytest.mark.slow
async def test_keys_are_short_in_a_chain_of_10_000(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Keys have at most 4 characters, also those of replies at the end and in the middle."""
    ada, root = await big(builder, superuser, CHAIN, 10_000)
    assert await superuser.fetchval("SELECT max(length(path)) FROM rustygpt.messages") <= 4
    rows = await superuser.fetch("SELECT depth FROM rustygpt.messages ORDER BY path")
    assert [row[0] for row in rows] == list(range(1, 10_002))
    for depth, length in ((10_001, 4), (5_000, 4)):
        parent = await superuser.fetchval(
            "SELECT id FROM rustygpt.messages WHERE root_id = $1 AND depth = $2", root, depth
        )
        first, second = [(await builder.reply(ada, parent)).posted for _ in range(2)]
        shown = [await messages.get_message(builder.db, ada, p.message_id) for p in (first, second)]
        assert shown[0].path < shown[1].path
        assert len(shown[1].path) <= length
        assert shown[1].depth == depth + 1


@pytest.mark.slow
async def test_pages_cost_the_same_with_100_000_replies(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Keys have at most 4 characters; a page reads as many buffers as in a small thread."""
    ada, small = await big(builder, superuser, WIDE, 1_000)
    bob, large = await big(builder, superuser, WIDE, 100_000)
    assert await superuser.fetchval("SELECT max(length(path)) FROM rustygpt.messages") <= 4
    last = (await builder.reply(bob, large)).posted.message_id
    shown = await messages.get_message(builder.db, bob, last)
    assert shown.path == encode((100_001,))
    for template in (
        "list_tree('{actor}', '{root}', '', NULL, NULL, 200)",
        "list_tree('{actor}', '{root}', '{path}', NULL, NULL, 200)",
        "list_tree('{actor}', '{root}', NULL, '{path}', NULL, 200)",
        "list_tree('{actor}', '{root}', NULL, NULL, '{message}', 200)",
        "list_messages('{actor}', '{root}', {seq}, NULL, 200)",
        "list_messages('{actor}', '{root}', NULL, {seq}, 200)",
    ):
        small_cost, large_cost = [
            await buffers(superuser, await call_in_the_middle(superuser, template, *thread))
            for thread in ((ada, small, 500), (bob, large, 50_000))
        ]
        assert large_cost <= small_cost + 40, f"{template}: {large_cost} instead of {small_cost}"
    page = await threads.list_tree(
        builder.db, bob, large, threads.TreeStart(encode((99_950,))), 1_000
    )
    assert len(page.items) == 51
    assert not page.more_after


async def test_a_key_above_1_000_characters_is_refused(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """The reply is refused with a sentence that says what to do instead."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    root = (await builder.post(ada, conversation_id)).posted.message_id
    child = (await builder.reply(ada, root)).posted.message_id
    await builder.reply(ada, root)
    await builder.reply(ada, child)
    await superuser.execute(
        "UPDATE rustygpt.messages SET path = 'W' || repeat('V', 999) WHERE depth = 3"
    )
    await superuser.execute(
        "UPDATE rustygpt.messages SET path = 'W' || repeat('V', 998) || 'W' "
        "WHERE depth = 2 AND seq = 3"
    )
    with pytest.raises(Conflict, match="tangled"):
        await builder.reply(ada, child)
