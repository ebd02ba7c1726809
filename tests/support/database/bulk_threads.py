"""Threads of many messages, written directly to the tables by a superuser: much faster than posts.

The messages have no events: streams start after them.
"""

import hashlib
import random
import time
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from rustygpt_shared.ids import new_id

_INSERT: Final = """
CREATE OR REPLACE FUNCTION pg_temp.insert_thread(
  _conversation_id uuid, _ids uuid[], _parents uuid[], _authors uuid[], _texts text[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  _conversation rustygpt.conversations;
  _new rustygpt.new_message;
BEGIN
  PERFORM set_config('search_path', 'rustygpt, pg_temp', true);
  SELECT * INTO _conversation FROM rustygpt.conversations WHERE id = _conversation_id FOR UPDATE;
  FOR i IN 1 .. cardinality(_ids) LOOP
    _new.id := _ids[i];
    _new.parent_id := _parents[i];
    _new.actor := _authors[i];
    _new.role := 'user';
    _new.content := _texts[i];
    PERFORM rustygpt.insert_message(_new, _conversation, clock_timestamp());
    _conversation.last_event_number := _conversation.last_event_number + 2;
  END LOOP;
  UPDATE rustygpt.conversations SET last_event_number = _conversation.last_event_number
  WHERE id = _conversation_id;
  DELETE FROM rustygpt.events WHERE conversation_id = _conversation_id;
END
$$
"""
_FILL: Final = """
WITH root AS (
  SELECT m.root_id, m.conversation_id, m.created_at, c.last_event_number AS event
  FROM rustygpt.messages m JOIN rustygpt.conversations c ON c.id = m.conversation_id
  WHERE m.id = $1
), filled AS (
  INSERT INTO rustygpt.messages (id, root_id, conversation_id, role, content, path, depth, seq,
    created_at, parent_id, author_user_id, author_name, created_event)
  SELECT md5($1::text || n)::uuid, root_id, conversation_id, 'user',
    format(E'message **%s** of the thread. %s', n, repeat('Some words of it. ', 1 + n % 12)),
    rustygpt.path_encode(ARRAY[n::bigint]), 2 + (n - 1) % $4, 1 + n,
    created_at + n * interval '1 ms',
    CASE WHEN (n - 1) % $4 = 0 THEN $1 ELSE md5($1::text || n - 1)::uuid END, $2,
    (SELECT COALESCE(u.display_name, u.username) FROM rustygpt.users u WHERE u.id = $2), event
  FROM root, generate_series(1, $3) AS n
), forgotten AS (
  UPDATE rustygpt.participants p SET read_event = 0
  FROM root WHERE p.conversation_id = root.conversation_id
)
UPDATE rustygpt.threads t SET message_count = 1 + $3, last_seq = 1 + $3
FROM root WHERE t.root_id = root.root_id
"""
BATCH: Final = 200
"""Messages of one transaction: each updates the row of the thread, which leaves a dead row."""


def chain(count: int) -> list[int]:
    """Return the parents of a thread in which each message replies to the one before."""
    return [index - 1 for index in range(count)]


def tree(count: int, seed: int = 1) -> list[int]:
    """Return the parents of a thread of branches, several of which go on at the same time."""
    source = random.Random(seed)
    ends = [0]
    parents = [-1]
    for index in range(1, count):
        branch = source.randrange(max(0, len(ends) - 4), len(ends))
        if source.random() < 0.03:
            ends.append(index)
            parents.append(0)
        else:
            parents.append(ends[branch])
            ends[branch] = index
    return parents


async def insert_thread(
    connection: asyncpg.Connection,
    conversation_id: UUID,
    authors: Sequence[UUID],
    parents: Sequence[int],
    texts: Sequence[str] = (),
) -> list[UUID]:
    """Insert a thread and return the ids of its messages in the order of `seq`.

    Message i replies to the message with the index `parents[i]`, -1 for the root. The authors take
    turns; without texts, the messages are numbered.
    """
    await connection.execute(_INSERT)
    now = int(time.time() * 1_000)
    ids = [new_id(now) for _ in parents]
    for start in range(0, len(parents), BATCH):
        part = range(start, min(start + BATCH, len(parents)))
        await connection.execute(
            "SELECT pg_temp.insert_thread($1, $2, $3, $4, $5)",
            conversation_id,
            [ids[i] for i in part],
            [ids[parents[i]] if parents[i] >= 0 else None for i in part],
            [authors[i % len(authors)] for i in part],
            [texts[i] if i < len(texts) else f"message {i}" for i in part],
            timeout=300,
        )
    return ids


async def fill_thread(
    connection: asyncpg.Connection, root_id: UUID, author: UUID, count: int, branch_length: int = 5
) -> list[UUID]:
    """Add messages to a thread that has only its root; return their ids in the order of `seq`.

    Each branch is a chain below the root. One statement writes them all, so that 100,000 messages
    take seconds. They have no events of their own, so what was known to be read is forgotten.
    """
    await connection.execute(_FILL, root_id, author, count, branch_length, timeout=300)
    await connection.execute("ANALYZE rustygpt.messages")
    return [message_id(root_id, number) for number in range(1, count + 1)]


def message_id(root_id: UUID, number: int) -> UUID:
    """Return the id of a message of `fill_thread`, whose root has the number 0."""
    return UUID(hashlib.md5(f"{root_id}{number}".encode(), usedforsecurity=False).hexdigest())
