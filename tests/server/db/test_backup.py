"""Backups that are restored into another database, and compared with the first one."""

import asyncio
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from tests.support.database import databases
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.database.databases import NOW, connected
from tests.support.database.operators import created_operators
from tests.support.wait import until

from rustygpt_server.assets import sql_folder
from rustygpt_server.db import backup, conversations, messages, threads
from rustygpt_server.db.bootstrap import BootstrapError, PoolLogin, bootstrap
from rustygpt_server.db.client_programs import BackupError, address, find_programs
from rustygpt_server.db.restore import restore_backup
from rustygpt_shared.requests import CreateConversation

pytestmark = pytest.mark.timeout(300)
NOT_KEPT = {"sessions", "session_tokens", "oauth_flows", "device_logins", "events", "limit_cells"}
"""Tables that are empty after a restore."""
CHANGED = {"applied_scripts", "audit_entries", "conversations"}
"""Tables that a restore adds to, or counts up."""


def silent(_text: str) -> None:
    """Show no progress."""


@asynccontextmanager
async def created(cluster_url: str, name: str | None = None) -> AsyncIterator[str]:
    """Create a database within the block; `name` may need quotes."""
    url = await databases.create(cluster_url)
    own_name = urlsplit(url).path[1:]
    if name:
        name = f"{own_name}{name}"
        async with connected(cluster_url) as connection:
            await connection.execute(f'ALTER DATABASE {own_name} RENAME TO "{name}"')
        url = databases.sibling_url(cluster_url, name)
    yield url
    async with connected(cluster_url) as connection:
        await connection.execute(f'DROP DATABASE "{name or own_name}" WITH (FORCE)')
        for kind in ("owner", "reader", "app"):
            await connection.execute(f'DROP ROLE IF EXISTS "rustygpt_{name or own_name}_{kind}"')


async def restored(url: str, file: Path, owner_url: str | None = None) -> PoolLogin:
    """Restore a backup; return the login of pools."""
    await restore_backup(url, owner_url, file, sql_folder(), NOW, silent)
    return await bootstrap(url, owner_url, sql_folder(), NOW)


async def contents(url: str) -> dict[str, list[str]]:
    """All rows of all tables as text, as a superuser sees them."""
    async with connected(url) as connection:
        names = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'rustygpt' ORDER BY tablename"
        )
        return {
            name: [
                row[0]
                for row in await connection.fetch(
                    f"SELECT t::text FROM rustygpt.{name} t ORDER BY 1"
                )
            ]
            for (name,) in names
        }


async def definitions(url: str) -> list[str]:
    """The tables, functions, policies, grants and indexes, with general names of roles."""
    async with connected(url) as connection:
        rows = await connection.fetch("""
            SELECT 'function ' || p.oid::regprocedure || p.proowner::regrole
              || pg_get_functiondef(p.oid) || COALESCE(p.proacl::text, '')
            FROM pg_proc p WHERE p.pronamespace = 'rustygpt'::regnamespace
            UNION ALL SELECT 'table ' || c.relname || c.relowner::regrole || c.relrowsecurity
              || c.relforcerowsecurity || COALESCE(c.relacl::text, '') || c.relkind::text
            FROM pg_class c WHERE c.relnamespace = 'rustygpt'::regnamespace
            UNION ALL SELECT 'policy ' || p::text FROM pg_policies p
            UNION ALL SELECT 'constraint ' || c.conname || pg_get_constraintdef(c.oid)
            FROM pg_constraint c WHERE c.connamespace = 'rustygpt'::regnamespace
            UNION ALL SELECT 'schema ' || n.nspowner::regrole || n.nspacl::text
              || obj_description(n.oid, 'pg_namespace')
            FROM pg_namespace n WHERE n.nspname = 'rustygpt'
        """)
        name = await connection.fetchval("SELECT current_database()")
    texts = [row[0].replace(name, "DATABASE") for row in rows]
    return sorted(text.replace('\\"', "").replace('"', "") for text in texts)


async def filled(url: str, login: PoolLogin) -> tuple[UUID, UUID]:
    """Fill a database with a bit of everything; return an owner and a conversation."""
    async with databases.pool(url, login) as db:
        builder = await DatabaseBuilder.create(db)
        ann, bob = await builder.person("ann"), await builder.person("bob")
        conversation_id = await builder.conversation(ann, bob, mode="always")
        root = (await builder.post(ann, conversation_id, "hello \u00e9\u4f60")).posted.message_id
        await builder.reply(bob, root)
        await messages.delete_message(db, ann, root, "a reason", builder.now)
        return ann, conversation_id


@pytest.mark.parametrize("name", [None, "-Two Words"])
async def test_a_restored_database_equals_the_first_one(
    cluster_url: str, tmp_path: Path, name: str | None
) -> None:
    """Whatever its name is: data, definitions, owners, policies and grants."""
    file = tmp_path / "backup"
    async with created(cluster_url) as first, created(cluster_url, name) as second:
        ann, conversation_id = await filled(first, await databases.prepare(first))
        size = await backup.write_backup(first, file, silent)
        login = await restored(second, file)
        before, after = await contents(first), await contents(second)

        assert {table for table, rows in after.items() if not rows} >= NOT_KEPT
        for table in before.keys() - NOT_KEPT - CHANGED:
            assert after[table] == before[table], table
        assert before["messages"] != []
        assert await definitions(second) == await definitions(first)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert size == file.stat().st_size
        async with databases.pool(second, login) as db:
            shown = await conversations.show_conversation(db, ann, conversation_id)
            assert shown.last_message_excerpt


async def test_positions_of_before_are_unknown_afterwards(cluster_url: str, tmp_path: Path) -> None:
    """Every counter is raised by a thousand million, and the log is empty."""
    file = tmp_path / "backup"
    async with created(cluster_url) as first, created(cluster_url) as second:
        login = await databases.prepare(first)
        ann, conversation_id = await filled(first, login)
        async with databases.pool(first, login) as db:
            bounds = await DatabaseBuilder(db).log_bounds(ann, conversation_id)
        await backup.write_backup(first, file, silent)
        login = await restored(second, file)
        async with databases.pool(second, login) as db:
            after = await DatabaseBuilder(db).log_bounds(ann, conversation_id)

    assert after.position == bounds.position + 1_000_000_000
    assert after.oldest == after.position + 1


async def test_a_backup_under_load_is_one_moment(cluster_url: str, tmp_path: Path) -> None:
    """Each thread has its first messages without a hole, and its counts fit."""
    file = tmp_path / "backup"
    async with created(cluster_url) as first, created(cluster_url) as second:
        login = await databases.prepare(first)
        ann, _ = await filled(first, login)
        async with databases.pool(first, login) as db:
            builder = DatabaseBuilder(db)
            builder.advance_time(3_600)
            conversation_id = await builder.conversation(ann)
            roots = [(await builder.post(ann, conversation_id)).posted.message_id for _ in range(4)]
            written = 0

            async def write(root: UUID) -> None:
                nonlocal written
                while True:
                    await builder.reply(ann, root, f"reply {written}")
                    written += 1

            writers = [asyncio.create_task(write(root)) for root in roots]
            await until(lambda: written > 40)
            at_begin = written
            await backup.write_backup(first, file, silent)
            at_end = written
            for writer in writers:
                writer.cancel()
            await asyncio.gather(*writers, return_exceptions=True)
        source = set((await contents(first))["messages"])
        login = await restored(second, file)
        after = await contents(second)
        async with databases.pool(second, login) as db:
            listed = await threads.list_threads(db, ann, conversation_id, None, 50)
            counts = {one.root_id: one.message_count for one in listed.items}
            pages = {
                root: await threads.list_messages(db, ann, root, after_seq=0, limit=1_000)
                for root in roots
            }

    assert at_begin < at_end
    assert set(after["messages"]) <= source
    replies = 0
    for root in roots:
        seqs = [one.seq for one in pages[root].items]
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        assert counts[root] == len(seqs)
        replies += len(seqs) - 1
    assert at_begin <= replies <= at_end + len(roots)


async def test_an_operator_who_is_no_superuser_backs_up_and_restores_everything(
    cluster_url: str, tmp_path: Path
) -> None:
    """Row-level security hides no row from the backup."""
    file = tmp_path / "backup"
    async with created_operators(cluster_url) as first, created_operators(cluster_url) as second:
        urls = []
        for operators in (first, second):
            name, url = await operators.make("CREATEROLE")
            await operators.allow(f"GRANT CREATE ON DATABASE {operators.database} TO {name}")
            urls.append(url)
        login = await databases.prepare_without_superuser(urls[0])
        await filled(urls[0], login)
        await backup.write_backup(urls[0], file, silent)
        await restored(urls[1], file)
        before, after = await contents(first.url), await contents(second.url)

        for table in before.keys() - NOT_KEPT - CHANGED:
            assert after[table] == before[table], table
        assert len(after["conversations"]) == len(before["conversations"]) > 0
        assert await definitions(second.url) == await definitions(first.url)


async def test_the_system_sees_every_row_of_every_table(
    database_url: str, builder: DatabaseBuilder, superuser: Any
) -> None:
    """The policies of a new table have to let it, else backups would lack rows."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann, mode="always")
    await builder.post(ann, conversation_id)
    names = await superuser.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'rustygpt' ORDER BY tablename"
    )
    hidden = []
    for (name,) in names:
        rule = await superuser.fetchval(
            "SELECT bool_or(qual ~ 'is_system' OR qual = 'true') FROM pg_policies "
            "WHERE schemaname = 'rustygpt' AND tablename = $1 AND cmd IN ('ALL', 'SELECT') "
            "AND roles = '{public}'",
            name,
        )
        if not rule:
            hidden.append(name)
    assert hidden == []


async def test_a_database_that_is_not_empty_is_left_alone(cluster_url: str, tmp_path: Path) -> None:
    """Also that of the backup itself."""
    file = tmp_path / "backup"
    async with created(cluster_url) as first:
        await filled(first, await databases.prepare(first))
        before = await contents(first)
        await backup.write_backup(first, file, silent)
        with pytest.raises(BackupError, match="into an empty one"):
            await restored(first, file)
        after = await contents(first)

    recorded = [row for row in after["audit_entries"] if "backup.created" in row]
    assert len(recorded) == 1
    after["audit_entries"].remove(recorded[0])
    assert after == before


@pytest.mark.parametrize("content", [b"", b"PGDMP", b"no backup at all", b"PGDMP" + b"\0" * 500])
async def test_a_file_that_is_no_backup_is_refused(
    cluster_url: str, tmp_path: Path, content: bytes
) -> None:
    """The database is empty afterwards."""
    file = tmp_path / "backup"
    file.write_bytes(content)
    async with created(cluster_url) as second:
        with pytest.raises(BackupError):
            await restored(second, file)
        async with connected(second) as connection:
            assert await connection.fetchval("SELECT to_regnamespace('rustygpt')") is None


async def test_a_truncated_backup_leaves_an_empty_database(
    cluster_url: str, tmp_path: Path
) -> None:
    """And the whole one can be restored there afterwards."""
    file, cut = tmp_path / "backup", tmp_path / "cut"
    async with created(cluster_url) as first, created(cluster_url) as second:
        await filled(first, await databases.prepare(first))
        await backup.write_backup(first, file, silent)
        cut.write_bytes(file.read_bytes()[: file.stat().st_size * 9 // 10])
        with pytest.raises(BackupError):
            await restored(second, cut)
        async with connected(second) as connection:
            assert await connection.fetchval("SELECT to_regnamespace('rustygpt')") is None
        await restored(second, file)


async def test_a_start_refuses_an_unfinished_restore(cluster_url: str, tmp_path: Path) -> None:
    """A process that was killed leaves such a database; restoring again completes it."""
    file = tmp_path / "backup"
    async with created(cluster_url) as first, created(cluster_url) as second:
        await filled(first, await databases.prepare(first))
        await backup.write_backup(first, file, silent)
        await databases.prepare(second)
        async with connected(second) as connection:
            await connection.execute(
                "COMMENT ON SCHEMA rustygpt IS 'RustyGPT, restore in progress'"
            )
        with pytest.raises(BootstrapError, match="restore-backup again"):
            await bootstrap(second, None, sql_folder(), NOW)
        await restored(second, file)
        assert (await contents(second))["messages"] != []


async def test_an_existing_file_is_not_overwritten(cluster_url: str, tmp_path: Path) -> None:
    """Nor is a link followed; nothing else is left in the folder."""
    file, link = tmp_path / "backup", tmp_path / "link"
    file.write_text("mine")
    link.symlink_to(tmp_path / "elsewhere")
    async with created(cluster_url) as first:
        await databases.prepare(first)
        for name in (file, link):
            with pytest.raises(BackupError, match="exists already"):
                await backup.write_backup(first, name, silent)
        with pytest.raises(BackupError):
            await backup.write_backup(first, tmp_path / "no folder" / "backup", silent)

    assert file.read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup", "link"]


async def test_the_last_backup_is_recorded(cluster_url: str, tmp_path: Path) -> None:
    """With path and size; a database without one says so."""
    file = tmp_path / "backup"
    async with created(cluster_url) as first:
        await databases.prepare(first)
        assert await backup.last_backup(first) is None
        size = await backup.write_backup(first, file, silent)
        last = await backup.last_backup(first)
        await backup.check_readable(first, file)

    assert last is not None
    assert (last.file, last.bytes) == (str(file), size)


async def test_a_new_conversation_does_not_reuse_numbers(cluster_url: str, tmp_path: Path) -> None:
    """A restored database goes on as any other."""
    file = tmp_path / "backup"
    async with created(cluster_url) as first, created(cluster_url) as second:
        ann, _ = await filled(first, await databases.prepare(first))
        await backup.write_backup(first, file, silent)
        login = await restored(second, file)
        async with databases.pool(second, login) as db:
            builder = DatabaseBuilder(db)
            builder.advance_time(7_200)
            request = CreateConversation("new")
            made = await conversations.create_conversation(
                db, ann, builder.id(), request, None, builder.now
            )
            posted = await builder.post(ann, made.conversation_id)

    assert posted.events[0].number == 1


def test_a_password_is_no_argument() -> None:
    """Other users of the machine see the arguments of a process."""
    url, environ = address("postgresql://ann:p%40ss@/db?host=%2Frun%2Fpg")
    assert url == "postgresql://ann@/db?host=%2Frun%2Fpg"
    assert environ == {"PGPASSWORD": "p@ss"}
    assert address("postgresql://host/db") == ("postgresql://host/db", {})


def test_missing_programs_are_named() -> None:
    """With the package to install."""
    with pytest.raises(BackupError, match="postgresql-client-7"):
        find_programs(7)
