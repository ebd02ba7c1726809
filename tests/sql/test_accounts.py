"""The procedures in sql/procedures/accounts."""

import asyncio
from uuid import UUID

import pytest
from tests.support.databases import NOW
from tests.support.scene import Scene

from rustygpt_server.db import accounts, sessions
from rustygpt_server.db.database import Database
from rustygpt_server.db.refusals import Conflict, Forbidden, Invalid, NotFound
from rustygpt_shared.requests import UpdateMe

WINDOWS = sessions.Windows(idle_seconds=600, absolute_seconds=6_000, max_sessions=5)


async def log_in(scene: Scene, user: UUID, token: bytes = b"t" * 32) -> sessions.Started:
    """Start a session."""
    new = sessions.NewSession(scene.id(), user, token, "curl", "127.0.0.1")
    return await sessions.start_session(scene.db, new, WINDOWS, scene.now)


async def test_concurrent_set_ups_create_one_administrator(database: Database) -> None:
    """Of 8 concurrent calls 1 creates the administrator, and 7 raise Conflict."""
    assert not await accounts.is_setup(database)
    ids = [Scene(database).id() for _ in range(8)]
    tries = [
        accounts.set_up(database, accounts.Newcomer(i, f"u{n}", f"u{n}@x.org", "h"), NOW)
        for n, i in enumerate(ids)
    ]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(t, Conflict) for t in results) == 7
    (winner,) = [t for t in results if not isinstance(t, BaseException)]
    assert winner.roles == ["admin", "member"]
    assert await accounts.is_setup(database)


async def test_find_login_by_user_name_or_email_ignores_case(scene: Scene) -> None:
    """A login is found by user name and by e-mail address, in upper and lower case."""
    ada = await scene.person("Ada")
    for name in ("ada", "ADA", "Ada@Example.org"):
        found = await accounts.find_login(scene.db, name)
        assert found == accounts.Login(ada, "hash", disabled=False)
    assert await accounts.find_login(scene.db, "nobody") is None


async def test_user_names_and_emails_are_unique_ignoring_case(scene: Scene) -> None:
    """A second account with the same user name or e-mail address in another case is refused."""
    await scene.person("ada")
    for name, mail in (("ADA", "other@x.org"), ("eve", "ADA@example.org")):
        who = accounts.Newcomer(scene.id(), name, mail, "h")
        with pytest.raises(Conflict, match="taken"):
            await accounts.create_user(scene.db, scene.admin, who, ["member"], scene.now)


async def test_update_me_changes_only_the_given_fields(scene: Scene) -> None:
    """Absent fields keep their values, null removes the display name, a used address is refused."""
    ada = await scene.person("ada", display_name="Ada L")
    user = await accounts.update_me(scene.db, ada, UpdateMe(email="new@x.org"))
    assert (user.email, user.display_name) == ("new@x.org", "Ada L")
    user = await accounts.update_me(scene.db, ada, UpdateMe(display_name=None))
    assert (user.email, user.display_name) == ("new@x.org", None)
    with pytest.raises(Conflict):
        await accounts.update_me(scene.db, ada, UpdateMe(email="ROOT@example.org"))
    assert await accounts.show_me(scene.db, ada) == user


async def test_search_treats_wildcards_as_literal_characters(scene: Scene) -> None:
    """The search is by prefix of either name; the characters of LIKE patterns match themselves."""
    ada = await scene.person("ada", display_name="Zoë % Lace")
    await scene.person("adam_x")
    names = [p.username for p in await accounts.search_users(scene.db, ada, "AD", 10)]
    assert names == ["ada", "adam_x"]
    assert [p.id for p in await accounts.search_users(scene.db, ada, "zoë %", 10)] == [ada]
    for query in ("%", "_da", "a%", "\\"):
        assert await accounts.search_users(scene.db, ada, query, 10) == []


async def test_members_cannot_administer_accounts(scene: Scene) -> None:
    """Members cannot list, create or change accounts."""
    ada = await scene.person("ada")
    who = accounts.Newcomer(scene.id(), "eve", "eve@x.org", "h")
    for call in (
        accounts.list_users(scene.db, ada, None, 10),
        accounts.create_user(scene.db, ada, who, ["admin"], scene.now),
        change(scene, ada, ada, roles=["admin"]),
    ):
        with pytest.raises(Forbidden):
            await call


async def change(
    scene: Scene,
    actor: UUID,
    user: UUID,
    *,
    disabled: bool | None = None,
    roles: list[str] | None = None,
    password_hash: str | None = None,
) -> accounts.Account:
    """Change the given fields of an account."""
    return await accounts.update_user(
        scene.db,
        actor,
        user,
        disabled=disabled,
        roles=roles,
        password_hash=password_hash,
        now=scene.now,
    )


async def test_list_users_continues_after_the_previous_page(scene: Scene) -> None:
    """Accounts are listed by user name, after the last one of the previous page."""
    for name in ("cy", "Bo", "al"):
        await scene.person(name)
    first = await accounts.list_users(scene.db, scene.admin, None, 2)
    rest = await accounts.list_users(scene.db, scene.admin, first[-1].username, 10)
    assert [u.username for u in first + rest] == ["al", "Bo", "cy", "root"]


async def test_the_last_administrator_cannot_be_removed(scene: Scene) -> None:
    """The only administrator can be neither disabled nor demoted; one of two can."""
    for changes in ({"disabled": True}, {"roles": ["member"]}):
        with pytest.raises(Conflict, match="last administrator"):
            await change(scene, scene.admin, scene.admin, **changes)
    second = await scene.person("second", "admin", "member")
    changed = await change(scene, second, scene.admin, roles=["member"])
    assert changed.user.roles == ["member"]
    with pytest.raises(Conflict):
        await change(scene, second, second, disabled=True)


async def test_two_administrators_cannot_demote_each_other_concurrently(scene: Scene) -> None:
    """If both demote each other at the same time, one remains administrator."""
    second = await scene.person("second", "admin")
    await asyncio.gather(
        change(scene, second, scene.admin, roles=["member"]),
        change(scene, scene.admin, second, roles=["member"]),
        return_exceptions=True,
    )
    roles = [(await accounts.show_me(scene.db, who)).roles for who in (scene.admin, second)]
    assert sum("admin" in r for r in roles) == 1


async def test_disabling_and_a_new_password_end_all_sessions(scene: Scene) -> None:
    """Disabling an account or setting its password ends all its sessions and returns them."""
    ada = await scene.person("ada")
    started = await log_in(scene, ada)
    changed = await change(scene, scene.admin, ada, password_hash="new")
    assert changed.ended == [started.session.id]
    started = await log_in(scene, ada, b"u" * 32)
    changed = await change(scene, scene.admin, ada, disabled=True)
    assert changed.ended == [started.session.id]
    assert changed.user.disabled_at == scene.now
    with pytest.raises(NotFound):
        await log_in(scene, ada, b"v" * 32)
    changed = await change(scene, scene.admin, ada, disabled=False)
    assert changed.user.disabled_at is None


async def test_changed_roles_require_rotation(scene: Scene) -> None:
    """Other roles make a rotation due, the same roles do not; an empty list of roles is refused."""
    ada = await scene.person("ada")
    await log_in(scene, ada)
    await change(scene, scene.admin, ada, roles=["member"])
    [checked] = await sessions.authenticate_sessions(scene.db, [b"t" * 32], 600, scene.now)
    assert not checked.rotate_due
    await change(scene, scene.admin, ada, roles=["read_only", "member"])
    [checked] = await sessions.authenticate_sessions(scene.db, [b"t" * 32], 600, scene.now)
    assert checked.rotate_due
    assert checked.user is not None
    assert checked.user.roles == ["member", "read_only"]
    with pytest.raises(Invalid):
        await change(scene, scene.admin, ada, roles=[])


async def test_change_password_keeps_the_given_session(scene: Scene) -> None:
    """A new password ends the other sessions and makes a rotation of the kept one due."""
    ada = await scene.person("ada")
    kept, other = await log_in(scene, ada), await log_in(scene, ada, b"u" * 32)
    ended = await accounts.change_password(scene.db, ada, "new", kept.session.id, scene.now)
    assert ended == [other.session.id]
    assert await accounts.show_password(scene.db, ada) == "new"
    [checked] = await sessions.authenticate_sessions(scene.db, [b"t" * 32], 600, scene.now)
    assert checked.rotate_due


async def test_store_password_hash_keeps_sessions(scene: Scene) -> None:
    """The new hash is stored and no session ends; an unknown account has no hash."""
    ada = await scene.person("ada")
    await log_in(scene, ada)
    await accounts.store_password_hash(scene.db, ada, "stronger")
    assert await accounts.show_password(scene.db, ada) == "stronger"
    assert len(await sessions.list_sessions(scene.db, ada, None, scene.now)) == 1
    with pytest.raises(NotFound):
        await accounts.show_password(scene.db, scene.id())
