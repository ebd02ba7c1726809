"""A database with realistic numbers of everything that grows: up to a million messages.

A superuser writes it directly to the tables, by statements on whole sets of rows, so that a million
messages take seconds. Ids follow from numbers. For tests of costs; not for tests of behaviour.
"""

from dataclasses import asdict, dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from tests.support.database import databases
from tests.support.database.databases import NOW

SMALL_THREAD: Final = 10
"""Messages of each of the many small threads."""


class Kind(IntEnum):
    """What an id is of."""

    USER = 1
    CONVERSATION = 2
    MESSAGE = 3
    SESSION = 4
    TOKEN = 5
    INVITE = 6
    IMPORT = 7
    IDENTITY = 8


def id_of(kind: Kind, number: int) -> UUID:
    """Return the id of the row with a number; `pg_temp.id` calculates the same."""
    return UUID(int=(0x7000 | kind) << 64 | 0x8000 << 48 | number)


def hash_of(kind: str, number: int) -> bytes:
    """Return the hash of a session's or personal token, or of an invite's."""
    return sha256(f"{kind} {number}".encode()).digest()


@dataclass(frozen=True)
class Sizes:
    """How many rows there are; user 0 owns conversation 0, administers all, and is in ten."""

    large_thread: int = 200_000
    """Messages of thread 0, in branches of five."""
    chain: int = 10_000
    """Messages of thread 1, in which each replies to the one before."""
    small_threads: int = 79_000
    """Threads from number 2 on; every fourth one is in conversation 0."""
    users: int = 20_000
    conversations: int = 2_000
    events: int = 5_000
    """Events in the log of conversation 0: as many as it keeps by default."""
    access_changes: int = 100_000
    audit_entries: int = 100_000
    """A minute apart; every hundredth is of conversation 0, only number 1 has its action."""
    sessions: int = 40_000
    idempotency_keys: int = 100_000
    limit_cells: int = 50_000
    invites: int = 10_000
    """Every hundredth is for conversation 0; all but number 0 were used."""
    usage_days: int = 5
    """Days on which each user has used tokens."""
    revisions: int = 1_000
    """Of the edited message; many others have one."""
    chunks: int = 5_000
    """Of the answer that is finished."""

    @property
    def messages(self) -> int:
        """How many messages there are; each has the event number of its own number plus one."""
        return self.large_thread + self.chain + SMALL_THREAD * self.small_threads

    def message(self, thread: int, index: int) -> UUID:
        """Return the id of a thread's message; the root has the index 0."""
        small = SMALL_THREAD * self.small_threads
        starts = {0: small, 1: small + self.large_thread}
        return id_of(Kind.MESSAGE, starts.get(thread, SMALL_THREAD * (thread - 2)) + index)


LARGE: Final = Sizes()
SMALL: Final = Sizes(**{name: max(1, size // 100) for name, size in asdict(LARGE).items()})
STREAMING: Final = (4, 8, 12, 16)
"""Threads of conversation 0 whose message 1 is an answer that is being generated."""
ANSWERED: Final = 40
"""The thread of conversation 0 whose message 1 is an answer that is finished."""
CHANGED: Final = 44
"""The thread of conversation 0 whose message 1 was edited, and whose message 2 was deleted."""
INSTANCE_ID: Final = "runner-1"

_DROP_INDEXES: Final = """
SET session_replication_role = replica;
SET work_mem = '256MB';
SET maintenance_work_mem = '256MB';
CREATE TEMP TABLE dropped_indexes AS
  SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
  WHERE c.relnamespace = 'rustygpt'::regnamespace AND c.relkind = 'r'
    AND NOT EXISTS (SELECT 1 FROM pg_constraint o WHERE o.conindid = i.indexrelid);
DO $$ DECLARE _name text; BEGIN
  FOR _name IN SELECT name FROM dropped_indexes LOOP EXECUTE 'DROP INDEX ' || _name; END LOOP;
END $$;
CREATE FUNCTION pg_temp.id(_kind integer, _number bigint) RETURNS uuid
LANGUAGE sql IMMUTABLE AS $$
  SELECT ('00000000-0000-7' || lpad(to_hex(_kind), 3, '0') || '-8000-'
    || lpad(to_hex(_number), 12, '0'))::uuid
$$;
CREATE FUNCTION pg_temp.hash(_kind text, _number bigint) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$ SELECT sha256(convert_to(_kind || ' ' || _number, 'UTF8')) $$;
"""
_USERS: Final = """
INSERT INTO rustygpt.users (id, username, username_key, email, email_key, display_name,
  password_hash, roles, created_at)
SELECT pg_temp.id(1, n), 'user' || n, 'user' || n, n || '@example.org', n || '@example.org',
  'Person ' || n, 'hash', CASE WHEN n = 0 THEN ARRAY['admin', 'member'] ELSE ARRAY['member'] END,
  {now}
FROM generate_series({users} - 1, 0, -1) AS n;
INSERT INTO rustygpt.name_skeletons SELECT pg_temp.id(1, n), 'username', 'user' || n
FROM generate_series(0, {users} - 1) AS n;
INSERT INTO rustygpt.presence (user_id, declared_status, last_seen_at)
SELECT pg_temp.id(1, n), 'online', {now} - n * interval '1 second'
FROM generate_series(0, {users} - 1) AS n;
INSERT INTO rustygpt.sessions (id, user_id, issued_at, last_seen_at, expires_at,
  absolute_expires_at)
SELECT pg_temp.id(4, n), pg_temp.id(1, n % {users}), {now} - interval '2 days',
  {now} - interval '1 hour',
  {now} + CASE WHEN n % 4 = 3 THEN interval '-1 day' ELSE interval '7 hours' END,
  {now} + interval '5 days'
FROM generate_series(0, {sessions} - 1) AS n;
INSERT INTO rustygpt.session_tokens (token_hash, session_id)
SELECT pg_temp.hash('session', n), pg_temp.id(4, n) FROM generate_series(0, {sessions} - 1) AS n;
INSERT INTO rustygpt.personal_tokens (id, user_id, token_hash, name, scopes, created_at)
SELECT pg_temp.id(5, n), pg_temp.id(1, n), pg_temp.hash('token', n), 'a program', ARRAY['read'],
  {now}
FROM generate_series(0, {users} - 1) AS n;
INSERT INTO rustygpt.identities (id, user_id, provider, issuer, subject, created_at)
SELECT pg_temp.id(8, n), pg_temp.id(1, n), 'oidc', 'https://login.example.org', 'person ' || n,
  {now}
FROM generate_series(0, {users} - 1) AS n;
INSERT INTO rustygpt.oauth_flows (state_hash, binding_hash, provider, user_id, expires_at)
SELECT pg_temp.hash('state', n), pg_temp.hash('binding', n), 'oidc', pg_temp.id(1, n),
  {now} + interval '5 minutes'
FROM generate_series(0, {users} - 1) AS n;
INSERT INTO rustygpt.device_logins (device_hash, user_code, address, created_at, expires_at,
  interval_seconds, user_id)
SELECT pg_temp.hash('device', n), 'CODE' || n, '192.0.2.1', {now}, {now} + interval '5 minutes', 5,
  CASE WHEN n % 2 = 0 THEN pg_temp.id(1, n) END
FROM generate_series(0, {users} - 1) AS n;
INSERT INTO rustygpt.idempotency
SELECT pg_temp.id(1, n % {users}), 'key ' || n, pg_temp.hash('body', n), 'null',
  {now} - interval '1 hour'
FROM generate_series(0, {idempotency_keys} - 1) AS n;
INSERT INTO rustygpt.limit_cells (key, user_id, full_at)
SELECT pg_temp.hash('cell', n), pg_temp.id(1, n % {users}), {now} + interval '1 second'
FROM generate_series(0, {limit_cells} - 1) AS n;
INSERT INTO rustygpt.access_changes (number, kind, user_id)
SELECT n, 'account_changed', pg_temp.id(1, n % {users})
FROM generate_series(1, {access_changes}) AS n;
DELETE FROM rustygpt.access_change_counter;
INSERT INTO rustygpt.audit_entries (created_at, action, actor_id, actor_name, target_kind,
  target_id, conversation_id)
SELECT {now} - make_interval(mins => {audit_entries} - n),
  CASE WHEN n = 1 THEN 'server.set_up' WHEN n % 2 = 1 THEN 'token.created'
    ELSE 'session.started' END,
  pg_temp.id(1, n % {users}), 'user' || n % {users}, 'account', pg_temp.id(1, n % {users}),
  CASE WHEN n % 100 = 0 THEN pg_temp.id(2, 0) END
FROM generate_series(1, {audit_entries}) AS n;
INSERT INTO rustygpt.usage (user_id, day, model, answers, prompt_tokens)
SELECT pg_temp.id(1, n), {now}::date - d, 'demo', 1, 10
FROM generate_series(0, {users} - 1) AS n, generate_series(0, {usage_days} - 1) AS d;
INSERT INTO rustygpt.access_change_counter (last_number) VALUES ({access_changes});
"""
_CONVERSATIONS: Final = """
INSERT INTO rustygpt.conversations (id, title, is_group, assistant_mode, created_by, created_at,
  last_event_number, last_activity_at, participant_count)
SELECT pg_temp.id(2, n), 'Conversation ' || n, true, 'mention', pg_temp.id(1, n * 7), {now},
  {messages}, {now} - n * interval '1 minute', CASE WHEN n = 0 THEN 40 ELSE 10 END
FROM generate_series(0, {conversations} - 1) AS n;
INSERT INTO rustygpt.participants (conversation_id, user_id, role, joined_at, joined_at_event)
SELECT pg_temp.id(2, c), pg_temp.id(1, c * 7 + k), CASE WHEN k = 0 THEN 'owner' ELSE 'member' END,
  {now}, 0
FROM generate_series(0, {conversations} - 1) AS c,
  generate_series(0, CASE WHEN c = 0 THEN 39 ELSE 9 END) AS k
UNION ALL
SELECT pg_temp.id(2, c), pg_temp.id(1, 0), 'member', {now}, 0 FROM generate_series(1, 9) AS c;
INSERT INTO rustygpt.events
SELECT pg_temp.id(2, c), {messages} - k, CASE WHEN k % 500 = 7 THEN 'conversation.updated'
    WHEN k % 2 = 0 THEN 'message.new' ELSE 'thread.activity' END,
  json_build_object('root_id', pg_temp.id(3, k), 'text', repeat('some words ', 20)), {now}
FROM generate_series(0, {conversations} - 1) AS c,
  generate_series(0, CASE WHEN c = 0 THEN {events} ELSE 50 END - 1) AS k;
INSERT INTO rustygpt.invites (id, conversation_id, token_hash, role, created_by, created_at,
  expires_at, used_at)
SELECT pg_temp.id(6, n), pg_temp.id(2, CASE WHEN n % 100 = 0 THEN 0 ELSE n % {conversations} END),
  pg_temp.hash('invite', n), 'member', pg_temp.id(1, 0),
  {now} - n * interval '1 minute', {now} + interval '1 day',
  CASE WHEN n > 0 THEN {now} END
FROM generate_series(0, {invites} - 1) AS n;
INSERT INTO rustygpt.imports (id, user_id, valid_until)
VALUES (pg_temp.id(7, 0), pg_temp.id(1, 0), {now} + interval '1 day');
INSERT INTO rustygpt.import_conversations (import_id, conversation_id)
VALUES (pg_temp.id(7, 0), pg_temp.id(2, {conversations} - 1));
"""
_MESSAGES: Final = """
CREATE TEMP TABLE seeded_threads AS
  SELECT n AS number, CASE n WHEN 0 THEN 10 * {small_threads}
      WHEN 1 THEN 10 * {small_threads} + {large_thread} ELSE 10 * (n - 2) END AS start,
    CASE n WHEN 0 THEN {large_thread} WHEN 1 THEN {chain} ELSE 10 END AS size,
    CASE WHEN n < 2 OR n % 4 = 0 THEN 0 ELSE 1 + n % ({conversations} - 1) END AS conversation
  FROM generate_series(0, {small_threads} + 1) AS n;
CREATE TEMP TABLE seeded_paths AS
  SELECT n, rustygpt.path_encode(ARRAY[n::bigint]) AS path
  FROM generate_series(0, GREATEST({large_thread}, {chain})) AS n;
ANALYZE seeded_threads, seeded_paths;
INSERT INTO rustygpt.threads
SELECT pg_temp.id(3, start), pg_temp.id(2, conversation), 'message 0 of a thread',
  pg_temp.id(1, conversation * 7 + 1), {now},
  {now} - ({messages} - start - size) * interval '1 ms', size, 9, size, start + size
FROM seeded_threads;
INSERT INTO rustygpt.messages (id, root_id, conversation_id, role, content, path, depth, seq,
  created_at, parent_id, author_user_id, author_name, created_event)
SELECT pg_temp.id(3, t.start + i), pg_temp.id(3, t.start), pg_temp.id(2, t.conversation), 'user',
  format('message %s of a thread ', i) || repeat('and some words of it ', 1 + i % 4), p.path,
  CASE WHEN i = 0 THEN 1 WHEN t.number = 1 THEN i + 1 ELSE 2 + (i - 1) % 5 END, i + 1,
  {now} - ({messages} - t.start - i) * interval '1 ms',
  CASE WHEN i = 0 THEN NULL WHEN t.number = 1 OR (i - 1) % 5 > 0 THEN pg_temp.id(3, t.start + i - 1)
    ELSE pg_temp.id(3, t.start) END,
  pg_temp.id(1, t.conversation * 7 + 1 + i % 9), 'somebody', t.start + i + 1
FROM seeded_threads t CROSS JOIN LATERAL generate_series(0, t.size - 1) AS i
  JOIN seeded_paths p ON p.n = i;
INSERT INTO rustygpt.thread_authors
SELECT pg_temp.id(3, start), pg_temp.id(1, conversation * 7 + k), pg_temp.id(2, conversation)
FROM seeded_threads, generate_series(1, 2) AS k;
INSERT INTO rustygpt.read_markers
SELECT pg_temp.id(1, conversation * 7 + k), pg_temp.id(3, start), size, 1
FROM seeded_threads, generate_series(1, 2) AS k
UNION ALL
SELECT pg_temp.id(1, 0), pg_temp.id(3, start), GREATEST(size - 99, 1), 1 FROM seeded_threads
WHERE conversation = 0 AND number < 2
UNION ALL
SELECT pg_temp.id(1, 0), pg_temp.id(3, start), size, 1 FROM seeded_threads
WHERE conversation = 0 AND number BETWEEN 2 AND {small_threads} - 200;
UPDATE rustygpt.participants SET read_event = (
  SELECT max(start + size) FROM seeded_threads
  WHERE conversation = 0 AND number BETWEEN 2 AND {small_threads} - 200)
WHERE conversation_id = pg_temp.id(2, 0) AND user_id = pg_temp.id(1, 0);
UPDATE rustygpt.conversations c SET last_message_id = pg_temp.id(3, l.number),
  last_message_excerpt = 'message'
FROM (SELECT conversation, max(start + size - 1) AS number FROM seeded_threads GROUP BY 1) AS l
WHERE c.id = pg_temp.id(2, l.conversation);
"""
_ANSWERS: Final = """
UPDATE rustygpt.messages m SET role = 'assistant', author_user_id = NULL, author_name = NULL,
  model = 'demo', requested_by = pg_temp.id(1, 0), streaming = t.number <> {answered},
  finish_reason = CASE WHEN t.number = {answered} THEN 'stop' END
FROM seeded_threads t
WHERE t.number IN ({streaming}, {answered}) AND m.id = pg_temp.id(3, t.start + 1);
INSERT INTO rustygpt.generations
SELECT pg_temp.id(3, start + 1), pg_temp.id(2, 0), 'runner-1',
  {now} + interval '15 seconds'
FROM seeded_threads WHERE number IN ({streaming});
INSERT INTO rustygpt.chunks
SELECT pg_temp.id(3, t.start + 1), k, pg_temp.id(2, 0), 'a chunk ', {now}
FROM seeded_threads t, generate_series(0, CASE WHEN t.number = {answered} THEN {chunks} ELSE 20 END
  - 1) AS k
WHERE t.number IN ({streaming}, {answered});
INSERT INTO rustygpt.revisions
SELECT pg_temp.id(3, start + 1), k, pg_temp.id(2, 0), 'an earlier text', NULL, {now}, 'edited',
  {now}, pg_temp.id(1, 0)
FROM seeded_threads, generate_series(1, {revisions}) AS k WHERE number = {changed}
UNION ALL
SELECT pg_temp.id(3, start + 5), 1, pg_temp.id(2, 0), 'a text', NULL, {now}, 'edited', {now},
  pg_temp.id(1, 0) FROM seeded_threads WHERE number > {changed} AND number % 4 = 1
UNION ALL
SELECT pg_temp.id(3, start + 2), 1, pg_temp.id(2, 0), 'a text', NULL, {now}, 'deleted', {now},
  pg_temp.id(1, 0) FROM seeded_threads WHERE number = {changed};
UPDATE rustygpt.messages m SET content = '', deleted_at = {now}, deleted_by = pg_temp.id(1, 0)
FROM seeded_threads t WHERE t.number = {changed} AND m.id = pg_temp.id(3, t.start + 2);
"""
_SEARCH: Final = """
CREATE TEMP TABLE seeded_words AS
  SELECT content, rustygpt.search_words('english', content) AS words
  FROM (SELECT DISTINCT content FROM rustygpt.messages WHERE content <> '') AS m;
INSERT INTO rustygpt.search_documents
SELECT m.id, m.conversation_id, m.created_at, ARRAY[rustygpt.search_key(8, m.conversation_id),
    rustygpt.search_key(9, m.author_user_id), rustygpt.search_key(12, m.root_id)]
    || ARRAY(SELECT rustygpt.search_window(n, rustygpt.search_microseconds(m.created_at))
      FROM generate_series(0, 4) AS n), w.words
FROM rustygpt.messages m JOIN seeded_words w USING (content) WHERE NOT m.streaming ORDER BY m.id;
UPDATE rustygpt.search_state SET filled_up_to = NULL;
"""
_CREATE_INDEXES: Final = """
DO $$ DECLARE _definition text; BEGIN
  FOR _definition IN SELECT definition FROM dropped_indexes LOOP EXECUTE _definition; END LOOP;
END $$;
"""


async def fill(url: str, sizes: Sizes) -> None:
    """Fill a prepared database."""
    values = {
        **asdict(sizes),
        "messages": sizes.messages,
        "now": f"timestamptz '{NOW.isoformat()}'",
        "streaming": ", ".join(map(str, STREAMING)),
        "answered": ANSWERED,
        "changed": CHANGED,
    }
    async with databases.connected(url) as connection:
        await connection.execute(_DROP_INDEXES)
        for statements in (_USERS, _CONVERSATIONS, _MESSAGES, _ANSWERS, _SEARCH):
            await connection.execute(statements.format_map(values))
        await connection.execute(_CREATE_INDEXES)
        rows = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'rustygpt'"
        )
        names = ", ".join(f"rustygpt.{row[0]}" for row in rows)
        await connection.execute(f"VACUUM (ANALYZE) {names}")
