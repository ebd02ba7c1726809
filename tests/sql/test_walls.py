"""What the application's role cannot do, and what nobody sees without a right."""

import inspect
import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.support import databases
from tests.support.scene import Scene

from rustygpt_server import db as wrappers
from rustygpt_server.db.bootstrap import PoolLogin
from rustygpt_server.db.database import Database
from rustygpt_server.db.refusals import Refused

_CALL = re.compile(r"rustygpt\.(\w+)\s*\(([^)]*)\)")

ABOUT_ONESELF = {
    "record_heartbeat", "change_password", "create_conversation", "list_conversations",
    "list_sessions", "read_log_bounds", "search_users", "show_me", "show_password",
    "store_password_hash", "update_me",
}  # fmt: skip
"""Procedures in which an actor meets nothing of other people's conversations."""


@pytest.fixture
async def app(database_url: str, pool_login: PoolLogin) -> Any:
    """A connection as the application's role."""
    login = {"user": pool_login.user, "password": pool_login.password}
    async with databases.connected(database_url, **login) as connection:
        yield connection


async def tables(owner: Any) -> list[str]:
    """All tables of the application."""
    rows = await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'rustygpt'")
    return [row[0] for row in rows]


async def procedures(owner: Any) -> list[Any]:
    """All functions: name, argument names and types, whether granted to the application's role."""
    return list(
        await owner.fetch(
            """
            SELECT p.proname, p.pronargs, p.prosecdef, p.proconfig, p.proacl::text AS acl,
              COALESCE(p.proargnames[:p.pronargs], '{}') AS names,
              ARRAY(SELECT t::regtype::text FROM unnest(p.proargtypes) AS t) AS types,
              p.oid::regprocedure::text AS signature, r.rolcanlogin,
              has_function_privilege(rustygpt.role_of('app'), p.oid, 'EXECUTE') AS granted
            FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
            WHERE p.pronamespace = 'rustygpt'::regnamespace ORDER BY p.proname
            """
        )
    )


async def test_every_table_is_refused(owner: Any, app: Any) -> None:
    """The application's role can neither read nor change any table."""
    found = await tables(owner)
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


async def test_no_other_role_can_be_taken(owner: Any, app: Any) -> None:
    """The application's role has no rights of its own and becomes no other role."""
    role = await owner.fetchrow("SELECT * FROM pg_roles WHERE rolname = rustygpt.role_of('app')")
    for right in ("rolsuper", "rolbypassrls", "rolcreaterole", "rolcreatedb", "rolreplication"):
        assert not role[right]
    for kind in ("owner", "reader"):
        other = await owner.fetchval("SELECT rustygpt.role_of($1)", kind)
        with pytest.raises(asyncpg.PostgresError, match="permission denied"):
            await app.execute(f'SET ROLE "{other}"')
    for statement in ("CREATE TABLE rustygpt.x ()", "CREATE SCHEMA x", "CREATE ROLE x"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)


async def test_walls_stand_on_every_table(owner: Any) -> None:
    """Row-level security is enabled and forced on every table."""
    open_ones = await owner.fetch(
        """
        SELECT relname FROM pg_class WHERE relnamespace = 'rustygpt'::regnamespace
          AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)
        """
    )
    assert open_ones == []


async def test_nothing_is_seen_without_an_actor(scene: Scene, owner: Any) -> None:
    """The owner of the tables sees no row while nobody acts, and all as the system."""
    ada = await scene.person("ada")
    room = await scene.room(ada, mode="always")
    await scene.post(ada, room)
    async with owner.transaction():
        await owner.execute("SELECT set_config('role', rustygpt.role_of('owner'), true)")
        for table in set(await tables(owner)) - {"applied_scripts"}:
            assert await owner.fetchval(f"SELECT count(*) FROM rustygpt.{table}") == 0
        await owner.execute("SELECT rustygpt.set_actor_system()")
        for table in ("users", "messages", "events", "generations", "participants"):
            assert await owner.fetchval(f"SELECT count(*) FROM rustygpt.{table}") > 0


async def test_an_outsider_sees_nothing_of_a_room(scene: Scene, owner: Any) -> None:
    """With another actor no row of a conversation is seen, whatever a query asks."""
    ada, eve = await scene.person("ada"), await scene.person("eve")
    room = await scene.room(ada, mode="always")
    await scene.post(ada, room)
    await scene.room(eve)
    async with owner.transaction():
        await owner.execute("SELECT set_config('role', rustygpt.role_of('owner'), true)")
        await owner.execute("SELECT rustygpt.set_actor($1)", eve)
        for table in ("messages", "threads", "events", "participants", "generations"):
            seen = await owner.fetchval(
                f"SELECT count(*) FROM rustygpt.{table} WHERE conversation_id = $1", room
            )
            assert seen == 0
        assert await owner.fetchval("SELECT count(*) FROM rustygpt.conversations") == 1


async def test_procedures_are_pinned_and_not_public(owner: Any) -> None:
    """Definer functions pin their search path, their owners cannot log in, and PUBLIC has none."""
    found = await procedures(owner)
    assert len(found) > 60
    for one in found:
        assert not one["rolcanlogin"]
        assert one["acl"] is not None
        assert not re.search(r"[{,]=X", one["acl"]), f"{one['signature']} is open to all"
        if one["prosecdef"]:
            assert one["proconfig"] == ["search_path=rustygpt, pg_temp"]
        else:
            assert not one["granted"], f"{one['signature']} is a helper"


async def test_helpers_are_refused(app: Any) -> None:
    """The application's role cannot name itself the system, nor ask the walls' own helpers."""
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
    scene: Scene, database_url: str, pool_login: PoolLogin
) -> None:
    """After a call, also a refused one, the same connection has no actor and no room."""
    ada = await scene.person("ada")
    room = await scene.room(ada)
    async with databases.pool(database_url, pool_login, size=1) as one:
        alone = Scene(one)
        await alone.post(ada, room)
        for setting in ("rustygpt.actor", "rustygpt.conversation"):
            left = await one.fetch_value("SELECT current_setting($1, true)", setting)
            assert left in (None, "")
        with pytest.raises(Refused):
            await alone.post(alone.id(), room)
        for setting in ("rustygpt.actor", "rustygpt.conversation"):
            assert await one.fetch_value("SELECT current_setting($1, true)", setting) in (None, "")


def named_values(actor: UUID, room: UUID, user: UUID, message: UUID) -> dict[str, object]:
    """What arguments of these names get."""
    places = dict.fromkeys(("_root_id", "_parent_id", "_message_id"), message)
    return {"_actor": actor, "_conversation_id": room, "_user_id": user, "_role": "member"} | places


def values_by_type(scene: Scene) -> dict[str, object]:
    """What all other arguments get."""
    return {
        "uuid": scene.id(),
        "text": "x",
        "bytea": b"x" * 32,
        "integer": 10,
        "boolean": False,
        "jsonb": "{}",
        "text[]": ["member"],
        "timestamp with time zone": scene.now,
    }


async def test_every_procedure_refuses_outsiders(scene: Scene, owner: Any) -> None:
    """Each procedure that takes an actor is refused to somebody outside who knows all ids."""
    ada, eve = await scene.person("ada"), await scene.person("eve")
    room = await scene.room(ada, mode="always")
    root = (await scene.post(ada, room)).posted.message_id
    values = named_values(eve, room, ada, root)
    defaults = values_by_type(scene)
    tried = set()
    for one in await procedures(owner):
        if not one["granted"] or "_actor" not in one["names"] or one["proname"] in ABOUT_ONESELF:
            continue
        arguments = [
            values.get(name, defaults[kind])
            for name, kind in zip(one["names"], one["types"], strict=True)
        ]
        with pytest.raises(Refused):
            await scene.db.fetch(_statement(one["proname"], len(arguments)), *arguments)
        tried.add(one["proname"])
    assert {"request_cancel", "list_tree", "get_message", "update_user"} <= tried


async def test_lists_of_an_outsider_are_empty(scene: Scene) -> None:
    """Conversations and sessions of others are in nobody else's lists, also of no account's."""
    ada = await scene.person("ada")
    await scene.room(ada)
    for actor in (await scene.person("eve"), scene.id()):
        for call, more in (
            ("list_conversations", (False, None, None, 10)),
            ("list_sessions", (None, scene.now)),
        ):
            statement = _statement(call, 1 + len(more))
            assert await scene.db.fetch(statement, actor, *more) == []


def _statement(name: str, count: int) -> str:
    return f"SELECT * FROM rustygpt.{name}({', '.join(f'${n + 1}' for n in range(count))})"


def _calls() -> Iterator[tuple[str, int]]:
    """Procedures that the wrappers call, with the number of arguments."""
    names = [m.name for m in pkgutil.iter_modules(wrappers.__path__) if not m.ispkg]
    for name in names:
        source = inspect.getsource(import_module(f"rustygpt_server.db.{name}"))
        joined = re.sub(r'"\s*\n\s*"', "", source)
        for call in _CALL.finditer(joined):
            yield call[1], len(re.findall(r"\$\d+", call[2]))


async def test_wrappers_and_procedures_are_the_same(owner: Any) -> None:
    """Every granted procedure has a wrapper, and every wrapper's call has the right arguments."""
    known = {one["proname"]: one["pronargs"] for one in await procedures(owner)}
    granted = {one["proname"] for one in await procedures(owner) if one["granted"]}
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


async def test_a_user_of_a_room_is_found_by_id_only(scene: Scene, database: Database) -> None:
    """Ids that nobody has are refused as those that one may not know: the same words."""
    ada, eve = await scene.person("ada"), await scene.person("eve")
    room = await scene.room(ada)

    async def words(actor: UUID, place: UUID) -> str:
        with pytest.raises(Refused) as refused:
            await scene.post(actor, place)
        return str(refused.value)

    assert await words(eve, room) == await words(eve, scene.id())
    assert database is scene.db
