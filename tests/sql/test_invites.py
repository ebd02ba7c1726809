"""The procedures in sql/procedures/invites, with a clock that the tests move."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import accounts, conversations, invites, participants
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.errors import Conflict, Forbidden, Gone, NotFound, RequestError

MAX = 4


async def create(
    builder: DatabaseBuilder,
    actor: UUID,
    conversation_id: UUID,
    number: int = 1,
    *,
    email: str | None = None,
    role: str = "member",
    key: IdempotencyKey | None = None,
) -> UUID:
    """Create an invite for a minute, with a token whose hash consists of one byte value."""
    ends = builder.now + timedelta(seconds=60)
    new = invites.NewInvite(builder.id(), bytes([number]) * 32, email, role, ends)
    await invites.create_invite(builder.db, actor, conversation_id, new, MAX, key, builder.now)
    return new.id


async def accept(builder: DatabaseBuilder, user: UUID, number: int = 1) -> invites.Joined:
    """Accept the invite with the token of this number."""
    return await invites.accept_invite(builder.db, user, bytes([number]) * 32, builder.now)


async def states(builder: DatabaseBuilder, actor: UUID, conversation_id: UUID) -> list[str]:
    """The states of all invites, newest first."""
    listed = await invites.list_invites(builder.db, actor, conversation_id, None, 100, builder.now)
    return [invite.state for invite in listed]


async def test_who_accepts_an_invite_is_a_participant(builder: DatabaseBuilder) -> None:
    """The event is that of adding a participant."""
    ann, bob = await builder.person("ann"), await builder.person("bob")
    conversation_id = await builder.conversation(ann)
    await create(builder, ann, conversation_id, role="viewer")
    joined = await accept(builder, bob)
    page = await participants.list_participants(builder.db, bob, conversation_id)

    assert (joined.conversation_id, joined.role) == (conversation_id, "viewer")
    assert [event.type for event in joined.events] == ["membership.changed"]
    assert '"added"' in joined.events[0].payload
    assert {p.user_id: p.role for p in page.items} == {ann: "owner", bob: "viewer"}
    [listed] = await invites.list_invites(builder.db, ann, conversation_id, None, 9, builder.now)
    assert (listed.state, listed.used_by, listed.used_at) == ("used", bob, builder.now)


async def test_of_twenty_who_accept_at_once_one_joins(builder: DatabaseBuilder) -> None:
    """For the others it has been used."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    await create(builder, ann, conversation_id)
    users = [await builder.person(f"user{n}") for n in range(20)]
    results = await asyncio.gather(
        *(accept(builder, user) for user in users), return_exceptions=True
    )
    page = await participants.list_participants(builder.db, ann, conversation_id)

    assert len(page.items) == 2
    assert sum(isinstance(result, Gone) for result in results) == 19


async def test_used_revoked_and_expired_invites_are_gone(builder: DatabaseBuilder) -> None:
    """Also for who used it; an unknown token is not found."""
    ann, bob, eve = [await builder.person(name) for name in ("ann", "bob", "eve")]
    conversation_id = await builder.conversation(ann)
    await create(builder, ann, conversation_id, 1)
    await accept(builder, bob, 1)
    revoked = await create(builder, ann, conversation_id, 2)
    await invites.revoke_invite(builder.db, ann, revoked, b"", builder.now)
    await invites.revoke_invite(builder.db, ann, None, b"\x02" * 32, builder.now)
    await create(builder, ann, conversation_id, 3)
    builder.advance_time(60)
    for user, number in ((bob, 1), (eve, 1), (eve, 2), (eve, 3)):
        with pytest.raises(Gone):
            await accept(builder, user, number)
    with pytest.raises(NotFound):
        await accept(builder, eve, 9)
    assert await states(builder, ann, conversation_id) == ["expired", "revoked", "used"]


async def test_an_invite_for_an_address_is_for_its_account(builder: DatabaseBuilder) -> None:
    """Without regard to case; an address that another account logs in with does not count."""
    ann, bob, eve = [await builder.person(name) for name in ("ann", "bob", "eve")]
    conversation_id = await builder.conversation(ann)
    await create(builder, ann, conversation_id, email="BOB@example.org")
    with pytest.raises(Forbidden, match="another e-mail address"):
        await accept(builder, eve)
    changes = accounts.UpdateMe(email="bob@example.org", current_password="x")
    await accounts.update_me(builder.db, eve, changes, "hash")
    with pytest.raises(Forbidden):
        await accept(builder, eve)
    assert (await accept(builder, bob)).role == "member"


async def test_a_second_live_invite_with_address_and_role_is_a_conflict(
    builder: DatabaseBuilder,
) -> None:
    """Another role, another address, none, or an ended one are not."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    first = await create(builder, ann, conversation_id, 1, email="x@example.org")
    with pytest.raises(Conflict):
        await create(builder, ann, conversation_id, 2, email="X@example.org")
    await create(builder, ann, conversation_id, 2, email="x@example.org", role="viewer")
    await create(builder, ann, conversation_id, 3)
    await create(builder, ann, conversation_id, 4)
    with pytest.raises(Conflict, match="the maximum"):
        await create(builder, ann, conversation_id, 5)
    await invites.revoke_invite(builder.db, ann, first, b"", builder.now)
    await create(builder, ann, conversation_id, 5, email="x@example.org")
    builder.advance_time(60)
    await create(builder, ann, conversation_id, 6, email="x@example.org")


async def test_no_role_above_that_of_the_inviter(builder: DatabaseBuilder) -> None:
    """Neither when the invite is made nor when it is accepted."""
    ann, bob, eve = [await builder.person(name) for name in ("ann", "bob", "eve")]
    conversation_id = await builder.conversation(ann, bob, role="admin")
    with pytest.raises(Forbidden):
        await create(builder, bob, conversation_id, role="owner")
    await create(builder, bob, conversation_id, 1, role="admin")
    await create(builder, bob, conversation_id, 2, role="viewer")
    await participants.add_participant(builder.db, ann, conversation_id, bob, "member", builder.now)
    for number in (1, 2):
        with pytest.raises(Gone, match="may not invite any more"):
            await accept(builder, eve, number)


async def test_an_inviter_who_may_only_read_adds_nobody(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """The invite was made before the account got the role."""
    ann, eve = await builder.person("ann"), await builder.person("eve")
    conversation_id = await builder.conversation(ann)
    await create(builder, ann, conversation_id, 1)
    await superuser.execute(
        "UPDATE rustygpt.users SET roles = ARRAY['read_only'] WHERE id = $1", ann
    )
    with pytest.raises(Gone, match="may not invite any more"):
        await accept(builder, eve, 1)


async def test_a_participant_does_not_use_an_invite_up(builder: DatabaseBuilder) -> None:
    """Nor does an account that may only read."""
    ann, bob = await builder.person("ann"), await builder.person("bob")
    reader = await builder.person("reader", "read_only")
    conversation_id = await builder.conversation(ann, bob)
    await create(builder, ann, conversation_id, role="admin")
    with pytest.raises(Conflict):
        await accept(builder, bob)
    with pytest.raises(Forbidden):
        await accept(builder, reader)
    assert await states(builder, ann, conversation_id) == ["live"]


async def test_revoking_is_for_administrators(builder: DatabaseBuilder) -> None:
    """A used invite is gone; an outsider learns nothing."""
    ann, bob, eve = [await builder.person(name) for name in ("ann", "bob", "eve")]
    conversation_id = await builder.conversation(ann, bob)
    invite = await create(builder, ann, conversation_id)
    errors: list[RequestError] = []
    for actor, invite_id in ((bob, invite), (eve, invite), (eve, builder.id())):
        with pytest.raises(RequestError) as refused:
            await invites.revoke_invite(builder.db, actor, invite_id, b"", builder.now)
        errors.append(refused.value)
    await accept(builder, eve)
    with pytest.raises(Gone):
        await invites.revoke_invite(builder.db, ann, invite, b"", builder.now)

    assert [type(error) for error in errors] == [Forbidden, NotFound, NotFound]
    assert str(errors[1]) == str(errors[2])


async def test_a_repeated_key_is_a_conflict(builder: DatabaseBuilder) -> None:
    """The response holds a secret; nothing is created twice."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    key = IdempotencyKey("k", b"x" * 32)
    await create(builder, ann, conversation_id, 1, key=key)
    with pytest.raises(Conflict):
        await create(builder, ann, conversation_id, 2, key=key)
    assert await states(builder, ann, conversation_id) == ["live"]


async def test_ended_invites_are_deleted_after_30_days(builder: DatabaseBuilder) -> None:
    """Until then they are listed."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    await create(builder, ann, conversation_id)
    builder.advance_time(60 + 30 * 86_400)
    assert await invites.prune_invites(builder.db, builder.now) == 0
    builder.advance_time(1)
    assert await invites.prune_invites(builder.db, builder.now) == 1


def new_account(builder: DatabaseBuilder, name: str) -> accounts.NewAccount:
    """An account to be registered."""
    return accounts.NewAccount(builder.id(), name, f"{name}@example.org", "hash")


async def test_two_registrations_with_one_invite_make_one_account(
    builder: DatabaseBuilder,
) -> None:
    """A used invite makes no account."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    await create(builder, ann, conversation_id)
    results = await asyncio.gather(
        *(
            accounts.register_user(
                builder.db, new_account(builder, name), b"\x01" * 32, builder.now
            )
            for name in ("bob", "eve")
        ),
        return_exceptions=True,
    )
    logins = [await accounts.find_login(builder.db, name) for name in ("bob", "eve")]

    assert sum(isinstance(result, Gone) for result in results) == 1
    assert sum(login is not None for login in logins) == 1
    assert len((await participants.list_participants(builder.db, ann, conversation_id)).items) == 2


async def test_a_failed_registration_leaves_the_invite(builder: DatabaseBuilder) -> None:
    """A name that is taken, for example."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    await create(builder, ann, conversation_id)
    with pytest.raises(Conflict):
        await accounts.register_user(
            builder.db, new_account(builder, "ANN"), b"\x01" * 32, builder.now
        )
    assert await states(builder, ann, conversation_id) == ["live"]


async def test_the_invites_of_a_deleted_conversation_are_gone(builder: DatabaseBuilder) -> None:
    """Nobody joins what is not there any more."""
    ann, bob = await builder.person("ann"), await builder.person("bob")
    conversation_id = await builder.conversation(ann)
    await create(builder, ann, conversation_id)
    await conversations.delete_conversation(builder.db, ann, conversation_id, builder.now)

    with pytest.raises(NotFound):
        await accept(builder, bob)
