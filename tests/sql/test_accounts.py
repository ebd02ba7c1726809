"""The procedures in sql/procedures/accounts."""

import asyncio
from uuid import UUID

import pytest
from tests.support.database.database_builder import PASSWORD_HASH, DatabaseBuilder
from tests.support.database.databases import NOW

from rustygpt_server.db import accounts, sessions
from rustygpt_server.db.database import Database
from rustygpt_server.errors import (
    Conflict,
    Forbidden,
    NotFound,
    PasswordChanged,
    ValidationFailed,
)
from rustygpt_shared.models.users import User
from rustygpt_shared.requests import UpdateMe

WINDOWS = sessions.SessionLimits(idle_seconds=600, absolute_seconds=6_000, max_sessions=5)


async def log_in(
    builder: DatabaseBuilder,
    user: UUID,
    token: bytes = b"t" * 32,
    checked_hash: str = PASSWORD_HASH,
) -> sessions.StartedSession:
    """Start a session after a login that was checked against this hash."""
    new = sessions.NewSession(builder.id(), user, checked_hash, token, "curl", "127.0.0.1")
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
        assert found == accounts.LoginRecord(ada, "Ada", PASSWORD_HASH, disabled=False)
    assert await accounts.find_login(builder.db, "nobody") is None


async def test_user_names_and_emails_are_unique_ignoring_case(builder: DatabaseBuilder) -> None:
    """A second account with the same user name or e-mail address in another case is refused."""
    await builder.person("ada")
    for name, mail in (("ADA", "other@x.org"), ("eve", "ADA@example.org")):
        who = accounts.NewAccount(builder.id(), name, mail, "h")
        with pytest.raises(Conflict, match="taken"):
            await accounts.create_user(builder.db, builder.admin, who, ["member"], builder.now)


async def test_update_me_changes_only_the_given_fields(builder: DatabaseBuilder) -> None:
    """Absent fields keep their values, and null removes the display name."""
    ada = await builder.person("ada", display_name="Ada L")
    user = await change_email(builder, ada, "new@x.org")
    assert (user.email, user.display_name) == ("new@x.org", "Ada L")
    user = await accounts.update_me(builder.db, ada, UpdateMe(display_name=None))
    assert (user.email, user.display_name) == ("new@x.org", None)
    assert await accounts.show_me(builder.db, ada) == user


async def change_email(
    builder: DatabaseBuilder, user: UUID, email: str, checked_hash: str | None = PASSWORD_HASH
) -> User:
    """Change a user's e-mail address."""
    changes = UpdateMe(email=email, current_password="not sent to the database")
    return await accounts.update_me(builder.db, user, changes, checked_hash)


async def test_an_email_address_belongs_to_the_login_of_the_first_account(
    builder: DatabaseBuilder,
) -> None:
    """Others may store it, but log in by their user name; who gives it up leaves it free."""
    ada, bob = await builder.person("ada"), await builder.person("bob")
    for _ in range(2):
        assert (await change_email(builder, bob, "ADA@example.org")).email == "ADA@example.org"
        found = await accounts.find_login(builder.db, "ada@example.org")
        assert found is not None
        assert found.user_id == ada
    assert await accounts.find_login(builder.db, "bob@example.org") is None
    assert (await change_email(builder, ada, "ada@example.org")).email == "ada@example.org"
    await change_email(builder, ada, "other@example.org")
    assert await accounts.find_login(builder.db, "ada@example.org") is None
    await change_email(builder, bob, "ada@example.org")
    found = await accounts.find_login(builder.db, "ada@example.org")
    assert found is not None
    assert found.user_id == bob


async def test_two_accounts_that_take_an_address_at_once_both_store_it(
    builder: DatabaseBuilder,
) -> None:
    """One of them can log in with it."""
    people = [await builder.person(f"p{number}") for number in range(6)]
    users = await asyncio.gather(*(change_email(builder, who, "new@x.org") for who in people))
    assert [user.email for user in users] == ["new@x.org"] * 6
    found = await accounts.find_login(builder.db, "new@x.org")
    assert found is not None
    assert found.user_id in people


async def test_an_email_address_is_not_changed_without_the_current_password(
    builder: DatabaseBuilder,
) -> None:
    """The hash that was checked has to be the account's."""
    ada = await builder.person("ada")
    for checked_hash in ("outdated", None):
        with pytest.raises(PasswordChanged):
            await change_email(builder, ada, "new@x.org", checked_hash)
    assert (await accounts.show_me(builder.db, ada)).email == "ada@example.org"


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
    started = await log_in(builder, ada, b"u" * 32, "new")
    changed = await change(builder, builder.admin, ada, disabled=True)
    assert changed.ended_sessions == [started.session.id]
    assert changed.user.disabled_at == builder.now
    with pytest.raises(NotFound):
        await log_in(builder, ada, b"v" * 32, "new")
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


async def test_store_password_hash_keeps_sessions(builder: DatabaseBuilder) -> None:
    """The new hash is stored and no session ends; an unknown account has no hash."""
    ada = await builder.person("ada")
    await log_in(builder, ada)
    await accounts.store_password_hash(builder.db, ada, PASSWORD_HASH, "stronger")
    assert await accounts.show_password(builder.db, ada) == "stronger"
    assert len(await sessions.list_sessions(builder.db, ada, None, builder.now)) == 1
    with pytest.raises(NotFound):
        await accounts.show_password(builder.db, builder.id())


async def test_store_password_hash_keeps_a_newer_hash(builder: DatabaseBuilder) -> None:
    """A hash of the old password does not replace that of a password set meanwhile."""
    ada = await builder.person("ada")
    await change(builder, builder.admin, ada, password_hash="new")
    await accounts.store_password_hash(builder.db, ada, PASSWORD_HASH, "stronger")
    assert await accounts.show_password(builder.db, ada) == "new"


async def test_no_session_starts_after_the_checked_password_was_changed(
    builder: DatabaseBuilder,
) -> None:
    """A login that was checked against a replaced hash raises PasswordChanged."""
    ada = await builder.person("ada")
    await change(builder, builder.admin, ada, password_hash="new")
    with pytest.raises(PasswordChanged):
        await log_in(builder, ada)
    assert await sessions.list_sessions(builder.db, ada, None, builder.now) == []
