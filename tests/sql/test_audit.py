"""The audit log: what writes it, who reads it, and that nobody changes it."""

import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from tests.support.database.database_builder import DatabaseBuilder

from rustygpt_server.db import accounts, audit, messages, participants, retention
from rustygpt_server.db.audit import AuditFilter
from rustygpt_server.errors import Conflict, Forbidden
from rustygpt_server.telemetry import bind_client
from rustygpt_shared.models.audit import AuditEntry
from rustygpt_shared.requests import EditMessage

SECRET = "the secret of the vault"


async def entries(builder: DatabaseBuilder, **filters: Any) -> list[AuditEntry]:
    """All entries, latest first."""
    return await audit.list_audit(builder.db, builder.admin, AuditFilter(**filters), None, 1_000)


async def age(superuser: Any, days: int) -> None:
    """Let all entries be older, which only a superuser can do."""
    await superuser.execute(
        "UPDATE rustygpt.audit_entries SET created_at = created_at - make_interval(days => $1)",
        days,
    )


async def test_an_entry_says_who_did_what_to_whom_and_from_where(
    builder: DatabaseBuilder,
) -> None:
    """Names are those of that time; the address is that of the request."""
    bind_client("192.0.2.7", "192.0.2.7")
    ann = await builder.person("ann", "read_only")
    [entry, *_] = await entries(builder)

    assert (entry.action, entry.actor_id, entry.actor_name) == (
        "account.created",
        builder.admin,
        "root",
    )
    assert (entry.target_kind, entry.target_id, entry.target_name) == ("account", ann, "ann")
    assert entry.address == "192.0.2.7"
    assert entry.details == {"roles": ["read_only"]}


async def test_an_address_stays_with_its_call(builder: DatabaseBuilder, superuser: Any) -> None:
    """The next call on the same connection does not have it."""
    bind_client("192.0.2.7", "192.0.2.7")
    await builder.person("ann")
    await builder.db.fetch_value("SELECT rustygpt.from_address(NULL::uuid, $1)", "192.0.2.9")
    left = await builder.db.fetch_value("SELECT current_setting('rustygpt.address', true)")

    assert left in (None, "")
    assert await superuser.fetchval("SELECT max(address) FROM rustygpt.audit_entries") == (
        "192.0.2.7"
    )


async def test_what_is_refused_leaves_no_entry(builder: DatabaseBuilder) -> None:
    """Entries are written in the transaction of what they are about."""
    before = len(await entries(builder))
    with pytest.raises(Conflict):
        await accounts.update_user(
            builder.db,
            builder.admin,
            builder.admin,
            disabled=True,
            roles=None,
            password_hash=None,
            now=builder.now,
        )

    assert len(await entries(builder)) == before


async def test_texts_of_messages_are_not_in_it(builder: DatabaseBuilder) -> None:
    """Neither of edited and deleted ones, nor titles of conversations, nor reasons."""
    ann, bob = await builder.person("ann"), await builder.person("bob")
    conversation_id = await builder.conversation(ann, bob)
    posted = (await builder.post(bob, conversation_id, SECRET)).posted
    request = EditMessage(f"{SECRET} 2", f"{SECRET} 3")
    await messages.edit_message(builder.db, ann, posted.message_id, request, builder.now)
    await messages.delete_message(builder.db, ann, posted.message_id, f"{SECRET} 4", builder.now)
    await messages.restore_message(builder.db, ann, posted.message_id, builder.now)
    found = await entries(builder, conversation_id=conversation_id)

    assert [one.action for one in found[:3]] == [
        "message.restored",
        "message.deleted",
        "message.edited",
    ]
    assert {one.target_name for one in found[:3]} == {"bob"}
    assert SECRET not in repr(found)
    assert "Group" not in repr(found)


async def test_an_author_who_edits_leaves_no_entry(builder: DatabaseBuilder) -> None:
    """The revisions of the message say it."""
    ann = await builder.person("ann")
    conversation_id = await builder.conversation(ann)
    posted = (await builder.post(ann, conversation_id)).posted
    request = EditMessage("better")
    await messages.edit_message(builder.db, ann, posted.message_id, request, builder.now)

    assert await entries(builder, actions=["message.edited"]) == []


async def test_only_administrators_read_it(builder: DatabaseBuilder) -> None:
    """Owners of conversations do not."""
    ann = await builder.person("ann")
    with pytest.raises(Forbidden):
        await audit.list_audit(builder.db, ann, AuditFilter(), None, 10)


async def test_filters_apply_together(builder: DatabaseBuilder) -> None:
    """Each of them leaves out what does not fit; pages follow each other."""
    ann, bob = await builder.person("ann"), await builder.person("bob")
    conversation_id = await builder.conversation(ann, bob)
    await participants.remove_participant(builder.db, bob, conversation_id, bob, builder.now)
    everything = await entries(builder)

    def expected(**fields: Any) -> list[AuditEntry]:
        return [
            one
            for one in everything
            if all(getattr(one, name) == value for name, value in fields.items())
        ]

    by_ann = await entries(builder, actor=ann)
    assert by_ann == expected(actor_id=ann) != []
    of_bob = await entries(builder, target=bob, conversation_id=conversation_id)
    assert of_bob == expected(target_id=bob, conversation_id=conversation_id)
    assert [one.action for one in of_bob] == ["participant.removed", "participant.added"]
    left = await entries(builder, actions=["participant.removed"], actor=bob)
    assert left == expected(action="participant.removed", actor_id=bob) != []
    middle = everything[2].created_at
    assert await entries(builder, since=middle) == everything[:3]
    assert await entries(builder, until=middle) == everything[3:]
    page = await audit.list_audit(builder.db, builder.admin, AuditFilter(), everything[1].number, 2)
    assert page == everything[2:4]


async def test_nobody_changes_an_entry(builder: DatabaseBuilder, superuser: Any) -> None:
    """No policy permits it, not even to the role that owns the table."""
    before = await superuser.fetch("SELECT * FROM rustygpt.audit_entries ORDER BY number")
    async with superuser.transaction():
        await superuser.execute("SELECT set_config('role', rustygpt.role_of('owner'), true)")
        await superuser.execute("SELECT rustygpt.set_actor_system()")
        assert await superuser.fetchval("SELECT count(*) FROM rustygpt.audit_entries") > 0
        for change in (
            "UPDATE rustygpt.audit_entries SET action = 'x'",
            "DELETE FROM rustygpt.audit_entries",
        ):
            assert (await superuser.execute(change)).endswith(" 0")
    for change in (
        "UPDATE rustygpt.audit_entries SET action = 'x'",
        "DELETE FROM rustygpt.audit_entries",
        "TRUNCATE rustygpt.audit_entries",
        "INSERT INTO rustygpt.audit_entries (created_at, action) VALUES (now(), 'x')",
    ):
        with pytest.raises(Exception, match="permission denied|refuses"):
            await builder.db.fetch(change)

    assert await superuser.fetch("SELECT * FROM rustygpt.audit_entries ORDER BY number") == before


async def test_old_entries_are_pruned_in_batches(builder: DatabaseBuilder, superuser: Any) -> None:
    """Those that the retention no longer keeps; without one all are kept."""
    for n in range(3):
        await builder.person(f"p{n}")
    await age(superuser, 90)
    assert await audit.prune_audit(builder.db, 100, builder.now + timedelta(days=9_999)) == 0
    await retention.set_retention(builder.db, builder.admin, None, {"audit_days": 60})
    now = await superuser.fetchval("SELECT clock_timestamp()")
    counts = [await audit.prune_audit(builder.db, 3, now) for _ in range(3)]

    assert counts == [3, 1, 0]
    assert [one.action for one in await entries(builder)] == ["retention.changed"]


async def test_the_last_30_days_cannot_be_pruned(builder: DatabaseBuilder, superuser: Any) -> None:
    """Whatever time a server claims that it is."""
    await builder.person("ann")
    await age(superuser, 29)
    await retention.set_retention(builder.db, builder.admin, None, {"audit_days": 30})
    far = builder.now + timedelta(days=99_999)

    assert await audit.prune_audit(builder.db, 100, far) == 0
    assert len(await entries(builder)) == 3


async def test_a_shorter_retention_of_the_audit_log_is_refused(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """By the table itself."""
    with pytest.raises(asyncpg.CheckViolationError):
        await retention.set_retention(builder.db, builder.admin, None, {"audit_days": 29})
    assert await superuser.fetchval("SELECT count(*) FROM rustygpt.retention") == 0


async def test_a_refused_login_names_the_account_only(
    builder: DatabaseBuilder, superuser: Any
) -> None:
    """A name that no account has may be a password: it is not recorded."""
    ann: UUID = await builder.person("ann")
    await audit.record_refused_login(builder.db, ann, "wrong password")
    await audit.record_refused_login(builder.db, None, "unknown account")
    unknown, known = (await entries(builder))[:2]

    assert (known.target_id, known.target_name) == (ann, "ann")
    assert known.details == {"reason": "wrong password"}
    assert (unknown.target_id, unknown.target_name) == (None, None)
    stored = await superuser.fetch("SELECT to_json(a)::text FROM rustygpt.audit_entries a")
    assert all("address" in json.loads(row[0]) for row in stored)
