"""The procedures in sql/procedures/accounts."""

import asyncio
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder
from tests.support.database.databases import NOW

from rustygpt_server.db import accounts, sessions
from rustygpt_server.db.database import Database
from rustygpt_server.errors import Conflict, Forbidden, NotFound, ValidationFailed
from rustygpt_shared.requests import UpdateMe

WINDOWS = sessions.SessionLimits(idle_seconds=600, absolute_seconds=6_000, max_sessions=5)


async def log_in(
    builder: DatabaseBuilder, user: UUID, token: bytes = b"t" * 32
) -> sessions.StartedSession:
    """Start a session."""
    new = sessions.NewSession(builder.id(), user, token, "curl", "127.0.0.1")
    return await sessions.start_session(builder.db, new, WINDOWS, builder.now)


async def test_concurrent_set_ups_create_one_administrator(database: Database) -> None:
    """Of 8 concurrent calls 1 creates the administrator, and 7 raise Conflict."""
    assert not await accounts.is_setup(database)
    ids = [DatabaseBuilder(database).id() for _ in range(8)]
    tries = [
        accounts.set_up(database, accounts.NewAccount(i, f"u{n}", f"u{n}@x.org", "h"), NOW)
        for n, i in enumerate(ids)
    ]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(t, Conflict) for t in results) == 7
    (winner,) = [t for t in results if not isinstance(t, BaseException)]
    assert winner.roles == ["admin", "member"]
    assert await accounts.is_setup(database)


async def test_find_login_by_user_name_or_email_ignores_case(builder: DatabaseBuilder) -> None:
    """A login is found by user name and by e-mail address, in upper and lower case."""
    ada = await builder.person("Ada")
    for name in ("ada", "ADA", "Ada@Example.org"):
        found = await accounts.find_login(builder.db, name)
        assert found == accounts.LoginRecord(ada, "hash", disabled=False)
    assert await accounts.find_login(builder.db, "nobody") is None


async def test_user_names_and_emails_are_unique_ignoring_case(builder: DatabaseBuilder) -> None:
    """A second account with the same user name or e-mail address in another case is refused."""
    await builder.person("ada")
    for name, mail in (("ADA", "other@x.org"), ("eve", "ADA@example.org")):
        who = accounts.NewAccount(builder.id(), name, mail, "h")
        with pytest.raises(Conflict, match="taken"):
            await accounts.create_user(builder.db, builder.admin, who, ["member"], builder.now)


async def test_update_me_changes_only_the_given_fields(builder: DatabaseBuilder) -> None:
    """Absent fields keep their values, null removes the display name, a used address is refused."""
    ada = await builder.person("ada", display_name="Ada L")
    user = await accounts.update_me(builder.db, ada, UpdateMe(email="new@x.org"))
    assert (user.email, user.display_name) == ("new@x.org", "Ada L")
    user = await accounts.update_me(builder.db, ada, UpdateMe(display_name=None))
    assert (user.email, user.display_name) == ("new@x.org", None)
    with pytest.raises(Conflict):
        await accounts.update_me(builder.db, ada, UpdateMe(email="ROOT@example.org"))
    assert await accounts.show_me(builder.db, ada) == user


async def test_search_treats_wildcards_as_literal_characters(builder: DatabaseBuilder) -> None:
    """The search is by prefix of either name; the characters of LIKE patterns match themselves."""
    ada = await builder.person("ada", display_name="Zoë % Lace")
    await builder.person("adam_x")
    names = [p.username for p in await accounts.search_users(builder.db, ada, "AD", 10)]
    assert names == ["ada", "adam_x"]
    assert [p.id for p in await accounts.search_users(builder.db, ada, "zoë %", 10)] == [ada]
    for query in ("%", "_da", "a%", "\\"):
        assert await accounts.search_users(builder.db, ada, query, 10) == []


async def test_members_cannot_administer_accounts(builder: DatabaseBuilder) -> None:
    """Members cannot list, create or change accounts."""
    ada = await builder.person("ada")
    who = accounts.NewAccount(builder.id(), "eve", "eve@x.org", "h")
    for call in (
        accounts.list_users(builder.db, ada, None, 10),
        accounts.create_user(builder.db, ada, who, ["admin"], builder.now),
        change(builder, ada, ada, roles=["admin"]),
    ):
        with pytest.raises(Forbidden):
            await call


async def change(
    builder: DatabaseBuilder,
    actor: UUID,
    user: UUID,
    *,
    disabled: bool | None = None,
    roles: list[str] | None = None,
    password_hash: str | None = None,
) -> accounts.UpdatedAccount:
    """Change the given fields of an account."""
    return await accounts.update_user(
        builder.db,
        actor,
        user,
        disabled=disabled,
        roles=roles,
        password_hash=password_hash,
        now=builder.now,
    )


async def test_list_users_continues_after_the_previous_page(builder: DatabaseBuilder) -> None:
    """Accounts are listed by user name, after the last one of the previous page."""
    for name in ("cy", "Bo", "al"):
        await builder.person(name)
    first = await accounts.list_users(builder.db, builder.admin, None, 2)
    rest = await accounts.list_users(builder.db, builder.admin, first[-1].username, 10)
    assert [u.username for u in first + rest] == ["al", "Bo", "cy", "root"]


async def test_the_last_administrator_cannot_be_removed(builder: DatabaseBuilder) -> None:
    """The only administrator can be neither disabled nor demoted; one of two can."""
    for changes in ({"disabled": True}, {"roles": ["member"]}):
        with pytest.raises(Conflict, match="last administrator"):
            await change(builder, builder.admin, builder.admin, **changes)
    second = await builder.person("second", "admin", "member")
    changed = await change(builder, second, builder.admin, roles=["member"])
    assert changed.user.roles == ["member"]
    with pytest.raises(Conflict):
        await change(builder, second, second, disabled=True)


async def test_two_administrators_cannot_demote_each_other_concurrently(
    builder: DatabaseBuilder,
) -> None:
    """If both demote each other at the same time, one remains administrator."""
    second = await builder.person("second", "admin")
    await asyncio.gather(
        change(builder, second, builder.admin, roles=["member"]),
        change(builder, builder.admin, second, roles=["member"]),
        return_exceptions=True,
    )
    roles = [(await accounts.show_me(builder.db, who)).roles for who in (builder.admin, second)]
    assert sum("admin" in r for r in roles) == 1


async def test_disabling_and_a_new_password_end_all_sessions(builder: DatabaseBuilder) -> None:
    """Disabling an account or setting its password ends all its sessions and returns them."""
    ada = await builder.person("ada")
    started = await log_in(builder, ada)
    changed = await change(builder, builder.admin, ada, password_hash="new")
    assert changed.ended_sessions == [started.session.id]
    started = await log_in(builder, ada, b"u" * 32)
    changed = await change(builder, builder.admin, ada, disabled=True)
    assert changed.ended_sessions == [started.session.id]
    assert changed.user.disabled_at == builder.now
    with pytest.raises(NotFound):
        await log_in(builder, ada, b"v" * 32)
    changed = await change(builder, builder.admin, ada, disabled=False)
    assert changed.user.disabled_at is None


async def test_changed_roles_require_rotation(builder: DatabaseBuilder) -> None:
    """Other roles make a rotation due, the same roles do not; an empty list of roles is refused."""
    ada = await builder.person("ada")
    await log_in(builder, ada)
    await change(builder, builder.admin, ada, roles=["member"])
    [checked] = await sessions.authenticate_sessions(builder.db, [b"t" * 32], 600, builder.now)
    assert not checked.rotate_due
    await change(builder, builder.admin, ada, roles=["read_only", "member"])
    [checked] = await sessions.authenticate_sessions(builder.db, [b"t" * 32], 600, builder.now)
    assert checked.rotate_due
    assert checked.user is not None
    assert checked.user.roles == ["member", "read_only"]
    with pytest.raises(ValidationFailed):
        await change(builder, builder.admin, ada, roles=[])


async def test_change_password_keeps_the_given_session(builder: DatabaseBuilder) -> None:
    """A new password ends the other sessions and makes a rotation of the kept one due."""
    ada = await builder.person("ada")
    kept, other = await log_in(builder, ada), await log_in(builder, ada, b"u" * 32)
    ended = await accounts.change_password(builder.db, ada, "new", kept.session.id, builder.now)
    assert ended == [other.session.id]
    assert await accounts.show_password(builder.db, ada) == "new"
    [checked] = await sessions.authenticate_sessions(builder.db, [b"t" * 32], 600, builder.now)
    assert checked.rotate_due


async def test_store_password_hash_keeps_sessions(builder: DatabaseBuilder) -> None:
    """The new hash is stored and no session ends; an unknown account has no hash."""
    ada = await builder.person("ada")
    await log_in(builder, ada)
    await accounts.store_password_hash(builder.db, ada, "stronger")
    assert await accounts.show_password(builder.db, ada) == "stronger"
    assert len(await sessions.list_sessions(builder.db, ada, None, builder.now)) == 1
    with pytest.raises(NotFound):
        await accounts.show_password(builder.db, builder.id())
