"""The sort keys of trees: their order is depth first, and they stay short."""

import json
import random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.paths import Steps, Tree, encode
from tests.support.scene import Scene

from rustygpt_server.db import messages, threads
from rustygpt_server.db.refusals import Conflict

TREES = st.lists(st.integers(0, 10_000), min_size=1, max_size=60)

CHAIN = """
DO $$
DECLARE _m rustygpt.messages;
BEGIN
  SELECT * INTO _m FROM rustygpt.messages WHERE root_id = '{root}' AND depth = 1;
  FOR _n IN 1 .. {count} LOOP
    _m.path := rustygpt.path_for_child(_m.root_id, _m.path, _m.depth);
    _m.parent_id := _m.id;
    _m.id := gen_random_uuid();
    _m.depth := _m.depth + 1;
    _m.seq := _m.seq + 1;
    _m.created_event := _m.created_event + 1;
    INSERT INTO rustygpt.messages SELECT (_m).*;
  END LOOP;
END $$
"""

WIDE = """
INSERT INTO rustygpt.messages
SELECT gen_random_uuid(), root_id, conversation_id, role, content,
  rustygpt.path_encode(ARRAY[n]), 2, n + 1, created_at, id, author_user_id, author_name,
  NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, created_event + n
FROM rustygpt.messages, generate_series(1, {count}) AS n WHERE root_id = '{root}'
"""


async def test_model_and_database_agree(owner: Any) -> None:
    """For any tree the model's order is depth first, and the database makes the same keys."""
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
    found = await owner.fetch(
        "SELECT rustygpt.path_between(b, a) FROM unnest($1::text[], $2::text[]) AS p (b, a)",
        [encode(before) for before, _, _ in pairs],
        [after and encode(after) for _, after, _ in pairs],
    )
    assert [row[0] for row in found] == [encode(new) for _, _, new in pairs]


async def test_byte_order_is_the_order_of_integers(owner: Any) -> None:
    """Sequences of any integers are in the same order as their keys, and come back from them."""
    chosen = random.Random(7)
    edges = [s * (n + d) for n in (0, 20, 21, 82, 83, 3_864, 3_865, 10**12) for d in (-1, 0, 1) for s in (1, -1)]  # fmt: skip  # noqa: E501
    steps = [tuple(chosen.choices(edges, k=chosen.randint(1, 4))) for _ in range(500)]
    steps += [(e,) for e in edges]
    rows = await owner.fetch(
        "SELECT s, rustygpt.path_encode(array(SELECT json_array_elements_text(s::json)::bigint))"
        " FROM unnest($1::text[]) AS s",
        [json.dumps(s) for s in steps],
    )
    keys = {tuple(json.loads(row[0])): row[1] for row in rows}
    assert keys == {s: encode(s) for s in steps}
    assert sorted(keys, key=keys.__getitem__) == sorted(keys)
    back = await owner.fetch(
        "SELECT rustygpt.path_decode(p) FROM unnest($1::text[]) AS p", list(keys.values())
    )
    assert [tuple(row[0]) for row in back] == list(keys)


@pytest.mark.parametrize("seed", range(4))
async def test_replies_anywhere_stay_in_order(scene: Scene, seed: int) -> None:
    """Whatever is replied to, the tree the database tells is depth first, siblings by time."""
    chosen = random.Random(seed)
    ada = await scene.person("ada")
    room = await scene.room(ada)
    ids = [(await scene.post(ada, room, "0")).posted.message_id]
    tree = Tree()
    for number in range(1, 120):
        deep = chosen.random() < 0.6
        parent = number - 1 if deep else chosen.randrange(number)
        tree.add(parent)
        written = await scene.reply(ada, ids[parent], str(number))
        ids.append(written.posted.message_id)
    told = (await threads.list_tree(scene.db, ada, ids[0], None, 200)).items
    assert [int(m.content) for m in told] == tree.depth_first()
    assert [m.path for m in told] == [encode(tree.steps[n]) for n in tree.order]


async def big(scene: Scene, owner: Any, script: str, count: int) -> tuple[UUID, UUID]:
    """A person and a thread of many messages that a script makes."""
    ada = await scene.person(f"ada{count}")
    room = await scene.room(ada)
    root = (await scene.post(ada, room)).posted.message_id
    await owner.execute(script.format(root=root, count=count))
    await owner.execute("ANALYZE rustygpt.messages")
    return ada, root


async def pages(owner: Any, actor: UUID, root: UUID, after: str) -> int:
    """The buffers that a page of a tree touches, by the very statement that the procedure runs."""
    call = f"SELECT * FROM rustygpt.list_tree('{actor}', '{root}', '{after}', 200)"
    for _ in range(2):  # the second has its plans and catalogs ready
        told = await owner.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {call}")
    plan = json.loads(told)[0]["Plan"]
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


@pytest.mark.slow
async def test_a_chain_of_ten_thousand(scene: Scene, owner: Any) -> None:
    """A chain 10,000 deep has short keys; a reply at its end, and to its middle, works as ever."""
    ada, root = await big(scene, owner, CHAIN, 10_000)
    assert await owner.fetchval("SELECT max(length(path)) FROM rustygpt.messages") <= 4
    rows = await owner.fetch("SELECT depth FROM rustygpt.messages ORDER BY path")
    assert [row[0] for row in rows] == list(range(1, 10_002))
    for depth, length in ((10_001, 4), (5_000, 4)):
        parent = await owner.fetchval(
            "SELECT id FROM rustygpt.messages WHERE root_id = $1 AND depth = $2", root, depth
        )
        first, second = [(await scene.reply(ada, parent)).posted for _ in range(2)]
        shown = [await messages.get_message(scene.db, ada, p.message_id) for p in (first, second)]
        assert shown[0].path < shown[1].path
        assert len(shown[1].path) <= length
        assert shown[1].depth == depth + 1


@pytest.mark.slow
async def test_a_hundred_thousand_replies(scene: Scene, owner: Any) -> None:
    """A thread of 100,000 replies has short keys, and its pages cost as those of a small one."""
    ada, small = await big(scene, owner, WIDE, 1_000)
    bob, large = await big(scene, owner, WIDE, 100_000)
    assert await owner.fetchval("SELECT max(length(path)) FROM rustygpt.messages") <= 4
    last = (await scene.reply(bob, large)).posted.message_id
    shown = await messages.get_message(scene.db, bob, last)
    assert shown.path == encode((100_001,))
    for after, middle in (("", ""), (encode((500,)), encode((50_000,)))):
        cheap, dear = await pages(owner, ada, small, after), await pages(owner, bob, large, middle)
        assert dear <= cheap + 24, f"{dear} buffers instead of {cheap}"
    page = await threads.list_tree(scene.db, bob, large, encode((99_950,)), 1_000)
    assert len(page.items) == 51
    assert not page.more


async def test_a_branch_too_tangled_is_refused(scene: Scene, owner: Any) -> None:
    """Where a key would grow over 1,000 characters, the reply is refused with a way out."""
    ada = await scene.person("ada")
    room = await scene.room(ada)
    root = (await scene.post(ada, room)).posted.message_id
    child = (await scene.reply(ada, root)).posted.message_id
    await scene.reply(ada, root)
    await scene.reply(ada, child)
    await owner.execute(
        "UPDATE rustygpt.messages SET path = 'W' || repeat('V', 999) WHERE depth = 3"
    )
    await owner.execute(
        "UPDATE rustygpt.messages SET path = 'W' || repeat('V', 998) || 'W' "
        "WHERE depth = 2 AND seq = 3"
    )
    with pytest.raises(Conflict, match="tangled"):
        await scene.reply(ada, child)
