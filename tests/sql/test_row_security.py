"""What the application's role cannot do, and which rows an actor cannot see."""

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.support.database import databases
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server import db as wrappers
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.database import Database
from rustygpt_server.errors import RequestError

_CALL = re.compile(r"rustygpt\.(\w+)\s*\(([^)]*)\)")
_FROM_ADDRESS = re.compile(r"rustygpt\.from_address\(\$1::\w+, \$\d+\)")

ABOUT_ONESELF = {
    "record_heartbeat", "begin_import", "create_conversation", "read_import_response",
    "create_token", "list_conversations",
    "list_identities", "list_sessions", "list_tokens", "read_log_bounds", "search_users", "show_me",
    "show_password", "store_password_hash", "update_me",
    "authorize_completion", "record_usage", "show_tokens_used",
}  # fmt: skip
"""Procedures in which an actor meets nothing of other people's conversations."""


@pytest.fixture
async def app(database_url: str, pool_login: PoolLogin) -> Any:
    """A connection as the application's role."""
    login = {"user": pool_login.user, "password": pool_login.password}
    async with databases.connected(database_url, **login) as connection:
        yield connection


async def tables(owner: Any) -> list[str]:
    """The names of all tables of the application."""
    rows = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'rustygpt'")
    return [row[0] for row in rows]


async def procedures(owner: Any) -> list[Any]:
    """All functions: name, arguments, and whether the application's role may execute them."""
    return list(
        await owner.fetch(
            """
            SELECT p.proname, p.pronargs, p.prosecdef, p.proconfig, p.proacl::text AS acl,
              COALESCE(p.proargnames[:p.pronargs], '{}') AS names,
              ARRAY(SELECT replace(t::regtype::text, 'rustygpt.', '')
                FROM unnest(p.proargtypes) AS t) AS types,
              p.oid::regprocedure::text AS signature, r.rolcanlogin,
              has_function_privilege(rustygpt.role_of('app'), p.oid, 'EXECUTE') AS granted
            FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
            WHERE p.pronamespace = 'rustygpt'::regnamespace ORDER BY p.proname
            """
        )
    )


async def test_the_application_role_cannot_access_any_table(superuser: Any, app: Any) -> None:
    """The application's role can neither read nor change any table."""
    found = await tables(superuser)
    assert len(found) > 10
    for table in found:
        for statement in (
            f"SELECT 1 FROM rustygpt.{table}",
            f"INSERT INTO rustygpt.{table} DEFAULT VALUES",
            f"DELETE FROM rustygpt.{table}",
            f"TRUNCATE rustygpt.{table}",
            f"COPY rustygpt.{table} TO STDOUT",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)


async def test_the_application_role_cannot_become_another_role(superuser: Any, app: Any) -> None:
    """It has no privileges of its own and cannot SET ROLE."""
    role = await superuser.fetchrow(
        "SELECT * FROM pg_roles WHERE rolname = rustygpt.role_of('app')"
    )
    for right in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication"):
        assert not role[right]
    for kind in ("owner", "reader"):
        other = await superuser.fetchval("SELECT rustygpt.role_of($1)", kind)
        with pytest.raises(asyncpg.PostgresError, match="permission denied"):
            await app.execute(f'SET ROLE "{other}"')
    for statement in ("CREATE TABLE rustygpt.x ()", "CREATE SCHEMA x", "CREATE ROLE x"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)


async def test_row_security_is_forced_on_every_table(superuser: Any) -> None:
    """Row-level security is enabled and forced on every table."""
    open_ones = await superuser.fetch(
        """
        SELECT relname FROM pg_class WHERE relnamespace = 'rustygpt'::regnamespace
          AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)
        """
    )
    assert open_ones == []


async def test_no_row_is_visible_without_an_actor(builder: DatabaseBuilder, superuser: Any) -> None:
    """The owner of the tables sees no row without an actor, and all rows as the system."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada, mode="always")
    await builder.post(ada, conversation_id)
    async with superuser.transaction():
        await superuser.execute("SELECT set_config('role', rustygpt.role_of('owner'), true)")
        for table in set(await tables(superuser)) - {"applied_scripts"}:
            assert await superuser.fetchval(f"SELECT count(*) FROM rustygpt.{table}") == 0
        await superuser.execute("SELECT rustygpt.set_actor_system()")
        for table in ("users", "messages", "events", "generations", "participants"):
            assert await superuser.fetchval(f"SELECT count(*) FROM rustygpt.{table}") > 0


async def test_a_non_participant_sees_no_row_of_a_conversation(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """With another actor no row of a conversation is visible, whatever the query."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    conversation_id = await builder.conversation(ada, mode="always")
    await builder.post(ada, conversation_id)
    await builder.conversation(eve)
    async with superuser.transaction():
        await superuser.execute("SELECT set_config('role', rustygpt.role_of('owner'), true)")
        await superuser.execute("SELECT rustygpt.set_actor($1)", eve)
        for table in ("messages", "threads", "events", "participants", "generations"):
            seen = await superuser.fetchval(
                f"SELECT count(*) FROM rustygpt.{table} WHERE conversation_id = $1", conversation_id
            )
            assert seen == 0
        assert await superuser.fetchval("SELECT count(*) FROM rustygpt.conversations") == 1


async def test_procedures_are_pinned_and_not_public(superuser: Any) -> None:
    """SECURITY DEFINER functions pin their search path; PUBLIC cannot execute any function."""
    found = await procedures(superuser)
    assert len(found) > 60
    for one in found:
        assert not one["rolcanlogin"]
        assert one["acl"] is not None
        assert not re.search(r"[{,]=X", one["acl"]), f"{one['signature']} is open to all"
        if one["prosecdef"]:
            assert "search_path=rustygpt, pg_temp" in one["proconfig"]
        else:
            assert not one["granted"], f"{one['signature']} is a helper"


async def test_internal_functions_are_refused(app: Any) -> None:
    """The application's role cannot execute functions that only procedures and policies use."""
    for call in (
        "set_actor_system()",
        "app_password()",
        "role_in(gen_random_uuid(), gen_random_uuid())",
        "conversation_of(gen_random_uuid())",
        "is_admin(gen_random_uuid())",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(f"SELECT rustygpt.{call}")


async def test_no_actor_stays_on_a_connection(
    builder: DatabaseBuilder, database_url: str, pool_login: PoolLogin
) -> None:
    """After a call, also a refused one, the connection has neither actor nor conversation."""
    ada = await builder.person("ada")
    conversation_id = await builder.conversation(ada)
    async with databases.pool(database_url, pool_login, size=1) as one:
        alone = DatabaseBuilder(one)
        await alone.post(ada, conversation_id)
        for setting in ("rustygpt.actor", "rustygpt.conversation"):
            left = await one.fetch_value("SELECT current_setting($1, true)", setting)
            assert left in (None, "")
        with pytest.raises(RequestError):
            await alone.post(alone.id(), conversation_id)
        for setting in ("rustygpt.actor", "rustygpt.conversation"):
            assert await one.fetch_value("SELECT current_setting($1, true)", setting) in (None, "")


def named_values(
    actor: UUID, conversation_id: UUID, user: UUID, message: UUID
) -> dict[str, object]:
    """The values of arguments with these names."""
    places = dict.fromkeys(("_root_id", "_parent_id", "_message_id"), message)
    return {
        "_actor": actor,
        "_conversation_id": conversation_id,
        "_user_id": user,
        "_role": "member",
        "_filter": (conversation_id, None, None, None, False, None, None),
    } | places


def values_by_type(builder: DatabaseBuilder) -> dict[str, object]:
    """The values of all other arguments, by type."""
    return {
        "uuid": builder.id(),
        "text": "x",
        "bytea": b"x" * 32,
        "integer": 10,
        "bigint": 10,
        "boolean": False,
        "double precision": 1.0,
        "jsonb": "{}",
        "text[]": ["member"],
        "search_filter": None,
        "search_term[]": [],
        "date": builder.now.date(),
        "timestamp with time zone": builder.now,
    }


async def test_every_procedure_refuses_non_participants(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """Each procedure with an actor refuses a non-participant who knows all ids."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    conversation_id = await builder.conversation(ada, mode="always")
    root = (await builder.post(ada, conversation_id)).posted.message_id
    values = named_values(eve, conversation_id, ada, root)
    defaults = values_by_type(builder)
    tried = set()
    for one in await procedures(superuser):
        if not one["granted"] or "_actor" not in one["names"] or one["proname"] in ABOUT_ONESELF:
            continue
        arguments = [
            values.get(name, defaults[kind])
            for name, kind in zip(one["names"], one["types"], strict=True)
        ]
        with pytest.raises(RequestError):
            await builder.db.fetch(_statement(one["proname"], len(arguments)), *arguments)
        tried.add(one["proname"])
    assert {"request_cancel", "list_tree", "get_message", "update_user"} <= tried


async def test_lists_do_not_contain_data_of_other_users(builder: DatabaseBuilder) -> None:
    """Neither for another user, nor for an unknown account."""
    ada = await builder.person("ada")
    await builder.conversation(ada)
    for actor in (await builder.person("eve"), builder.id()):
        for call, more in (
            ("list_conversations", (False, None, None, 10)),
            ("list_sessions", (None, builder.now)),
        ):
            statement = _statement(call, 1 + len(more))
            assert await builder.db.fetch(statement, actor, *more) == []


def _statement(name: str, count: int) -> str:
    return f"SELECT * FROM rustygpt.{name}({', '.join(f'${n + 1}' for n in range(count))})"


def _calls() -> Iterator[tuple[str, int]]:
    """The procedures that the wrappers call, with the number of arguments."""
    names = [m.name for m in pkgutil.iter_modules(wrappers.__path__) if not m.ispkg]
    for name in names:
        source = inspect.getsource(import_module(f"rustygpt_server.db.{name}"))
        joined = re.sub(r'"\s*\n\s*"', "", source)
        plain, wrapped = _FROM_ADDRESS.subn("$1", joined)
        for call in _CALL.finditer(plain):
            yield call[1], len(re.findall(r"\$\d+", call[2]))
        if wrapped:
            yield "from_address", 2


async def test_every_procedure_has_a_wrapper_with_matching_arguments(superuser: Any) -> None:
    """Every granted procedure has a wrapper, whose call has the right number of arguments."""
    known = {one["proname"]: one["pronargs"] for one in await procedures(superuser)}
    granted = {one["proname"] for one in await procedures(superuser) if one["granted"]}
    calls = set(_calls())
    for name, count in calls:
        assert known[name] == count, f"rustygpt.{name} has {known[name]} arguments"
    assert granted <= {name for name, _ in calls}


def test_no_sql_but_calls_in_python() -> None:
    """The only SQL text in Python calls procedures by name."""
    words = re.compile(r"\b(INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|TRUNCATE|JOIN|WHERE)\b")
    for module in pkgutil.walk_packages(wrappers.__path__, "rustygpt_server.db."):
        for line in inspect.getsource(import_module(module.name)).splitlines():
            assert not words.search(line), line


async def test_unknown_and_forbidden_ids_get_the_same_error(
    builder: DatabaseBuilder, database: Database
) -> None:
    """The message for an unknown id and for one of another conversation is the same."""
    ada, eve = await builder.person("ada"), await builder.person("eve")
    conversation_id = await builder.conversation(ada)

    async def words(actor: UUID, place: UUID) -> str:
        with pytest.raises(RequestError) as refused:
            await builder.post(actor, place)
        return str(refused.value)

    assert await words(eve, conversation_id) == await words(eve, builder.id())
    assert database is builder.db
