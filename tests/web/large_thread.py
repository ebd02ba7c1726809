"""A thread of any size, written into the database by one statement."""

import hashlib
from uuid import UUID

from tests.support.database import databases

_FILL = """
WITH root AS (
  SELECT m.root_id, m.conversation_id, m.created_at, c.last_event_number AS event
  FROM rustygpt.messages m JOIN rustygpt.conversations c ON c.id = m.conversation_id
  WHERE m.id = $1
), filled AS (
  INSERT INTO rustygpt.messages (id, root_id, conversation_id, role, content, path, depth, seq,
    created_at, parent_id, author_user_id, author_name, created_event)
  SELECT md5($1::text || n)::uuid, root_id, conversation_id, 'user',
    format(E'Message **%s** of the thread. %s', n, repeat('Some words of it. ', 1 + n % 12)),
    rustygpt.path_encode(ARRAY[n::bigint]), 2 + (n - 1) % $4, 1 + n,
    created_at + n * interval '1 ms',
    CASE WHEN (n - 1) % $4 = 0 THEN $1 ELSE md5($1::text || n - 1)::uuid END, $2, 'bob', event
  FROM root, generate_series(1, $3) AS n
)
UPDATE rustygpt.threads t SET message_count = 1 + $3, last_seq = 1 + $3
FROM root WHERE t.root_id = root.root_id
"""
"""Branches of `$4` messages, each a chain below the root."""


def message_id(root: UUID, number: int) -> str:
    """Return the id of the message with this number."""
    return str(UUID(hashlib.md5(f"{root}{number}".encode(), usedforsecurity=False).hexdigest()))


async def fill_thread(
    database_url: str, root: UUID, author: UUID, count: int, branch_length: int = 5
) -> None:
    """Add messages to a thread that has only its root, in branches of this length."""
    async with databases.connected(database_url) as connection:
        await connection.execute(_FILL, root, author, count, branch_length)
        await connection.execute("ANALYZE rustygpt.messages")
