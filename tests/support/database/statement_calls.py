"""A call of every statement of the wrappers, on a database that `large_database` has filled.

The keys of `CALLS` are the names of procedures, with what is different where one has several calls.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, Literal
from uuid import UUID

from tests.support.database.databases import NOW
from tests.support.database.large_database import (
    ANSWERED,
    CHANGED,
    INSTANCE_ID,
    STREAMING,
    Kind,
    Sizes,
    hash_of,
    id_of,
)

from rustygpt_server.db import (
    access_changes,
    accounts,
    answers,
    audit,
    conversations,
    device_logins,
    events,
    exports,
    identities,
    imports,
    invites,
    messages,
    participants,
    presence,
    rate_limits,
    retention,
    sessions,
    threads,
    tokens,
)
from rustygpt_server.db.database import Database
from rustygpt_server.db.rows import IdempotencyKey
from rustygpt_server.importing.batches import BatchWriter, NewConversation, NewMessage
from rustygpt_server.rates import Rate
from rustygpt_shared import codec, requests
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.presence import Status

Call = Callable[[Database, Sizes], Awaitable[Any]]

LATER: Final = NOW + timedelta(minutes=5)
ACTOR: Final = id_of(Kind.USER, 0)
OTHER: Final = id_of(Kind.USER, 5)
OUTSIDER: Final = id_of(Kind.USER, 100)
MAIN: Final = id_of(Kind.CONVERSATION, 0)
IMPORT: Final = id_of(Kind.IMPORT, 0)
NEW_ID: Final = new_id(int(NOW.timestamp() * 1_000))
NEW_HASH: Final = b"n" * 32
KEY: Final = IdempotencyKey("a new key", b"k" * 32)
RATE: Final = Rate.of("conversation.post", 5, 10)
LIMITS: Final = sessions.SessionLimits(28_800, 604_800, 5)
CLAIM: Final = answers.AnswerClaim(NEW_ID, INSTANCE_ID, "demo", LATER)
AWAY: Final[Status] = "away"
PAGE: Final = 50
_PATH: Final = "rFn"
"""The sort key of message 1,000 of the large thread."""


def _account(name: str = "ada") -> accounts.NewAccount:
    return accounts.NewAccount(NEW_ID, name, f"{name}@example.com", "hash", None, [name], [])


def _result() -> answers.AnswerResult:
    return answers.AnswerResult("the whole text", "stop")


def _post(db: Database, **place: UUID) -> Awaitable[Any]:
    message = messages.NewMessage(NEW_ID, "hello", idempotency=KEY)
    post = messages.Post(ACTOR, message, rate=RATE, **place)
    return messages.post_messages(db, [post], [CLAIM], NOW, wait=False)


def _tree(
    db: Database, sizes: Sizes, place: Literal["after", "before", "around"], thread: int = 0
) -> Awaitable[Any]:
    middle = (sizes.large_thread if thread == 0 else sizes.chain) // 2
    starts = {
        "after": threads.TreeStart(after_path="l"),
        "before": threads.TreeStart(before_path="t"),
        "around": threads.TreeStart(around=sizes.message(thread, middle)),
    }
    return threads.list_tree(db, ACTOR, sizes.message(thread, 0), starts[place], 200)


def _list_messages(db: Database, sizes: Sizes, **start: int) -> Awaitable[Any]:
    return threads.list_messages(db, ACTOR, sizes.message(0, 0), **start, limit=200)


def _list_threads(db: Database, before: Any = None) -> Awaitable[Any]:
    return threads.list_threads(db, ACTOR, MAIN, before, PAGE)


def _export_messages(db: Database, after: tuple[UUID, str] | None) -> Awaitable[Any]:
    return exports.export_messages(db, ACTOR, exports.ExportScope(MAIN, 10**9), after, 200)


def _import_batch() -> str:
    """Return a conversation with one message."""
    writer = BatchWriter(NOW)
    writer.begin_conversation(NewConversation("T", False, "off", NOW))
    writer.add(1, None, NewMessage("user", "hello", 1, NOW, is_mine=True))
    writer.end_conversation()
    return codec.encode(writer.take()).decode()


def _list_conversations(db: Database, before: Any = None) -> Awaitable[Any]:
    return conversations.list_conversations(db, ACTOR, archived=False, before=before, limit=PAGE)


def _mark_read(db: Database, root: UUID, **target: Any) -> Awaitable[Any]:
    return threads.mark_read(db, ACTOR, root, requests.MarkRead(**target))


def _update_user(db: Database, **change: Any) -> Awaitable[Any]:
    changes = {"disabled": None, "roles": None, "password_hash": None, **change}
    return accounts.update_user(db, ACTOR, OTHER, now=NOW, **changes)


def _list_audit(db: Database, before: int | None = None, **filters: Any) -> Awaitable[Any]:
    return audit.list_audit(db, ACTOR, audit.AuditFilter(**filters), before, PAGE)


def _new_invite() -> invites.NewInvite:
    return invites.NewInvite(NEW_ID, NEW_HASH, "x@example.org", "member", LATER)


def _identity(number: int) -> identities.Identity:
    return identities.Identity("oidc", "https://login.example.org", f"person {number}")


ACCOUNTS: Final[dict[str, Call]] = {
    "bypass_caches": lambda db, _: access_changes.bypass_caches(db, OTHER, LATER),
    "read_access_changes": lambda db, s: access_changes.read_access_changes(
        db, s.access_changes - 100, 500
    ),
    "is_setup": lambda db, _: accounts.is_setup(db),
    "register_user": lambda db, _: accounts.register_user(
        db, _account(), hash_of("invite", 0), NOW
    ),
    "find_login": lambda db, _: accounts.find_login(db, "user5"),
    "find_login by address": lambda db, _: accounts.find_login(db, "5@Example.org"),
    "show_password": lambda db, _: accounts.show_password(db, ACTOR),
    "store_password_hash": lambda db, _: accounts.store_password_hash(db, ACTOR, "hash", "new"),
    "show_me": lambda db, _: accounts.show_me(db, ACTOR),
    "update_me": lambda db, _: accounts.update_me(
        db,
        ACTOR,
        requests.UpdateMe("Ada", "ada@example.com", current_password="x"),
        "hash",
        ["ada"],
    ),
    "search_users": lambda db, _: accounts.search_users(db, ACTOR, "USER15", 20),
    "search_users for none": lambda db, _: accounts.search_users(db, ACTOR, "zz", 20),
    "search_users for all": lambda db, _: accounts.search_users(db, ACTOR, "", 20),
    "search_users by display name": lambda db, _: accounts.search_users(db, ACTOR, "person 1", 20),
    "list_users": lambda db, _: accounts.list_users(db, ACTOR, None, PAGE),
    "list_users after one": lambda db, _: accounts.list_users(db, ACTOR, "user9", PAGE),
    "create_user": lambda db, _: accounts.create_user(db, ACTOR, _account(), ["member"], NOW),
    "update_user": lambda db, _: _update_user(db, roles=["read_only"]),
    "update_user who is disabled": lambda db, _: _update_user(db, disabled=True),
    "record_refused_login": lambda db, _: audit.record_refused_login(db, OTHER, "wrong password"),
    "list_audit": lambda db, _: _list_audit(db),
    "list_audit before one": lambda db, s: _list_audit(db, s.audit_entries // 2),
    "list_audit of an action": lambda db, _: _list_audit(db, actions=["token.created"]),
    "list_audit of a rare action": lambda db, _: _list_audit(db, actions=["server.set_up"]),
    "list_audit by an actor": lambda db, _: _list_audit(db, actor=OTHER),
    "list_audit of a target": lambda db, _: _list_audit(db, target=OTHER),
    "list_audit of a conversation": lambda db, _: _list_audit(db, conversation_id=MAIN),
    "list_audit until a time": lambda db, _: _list_audit(db, until=NOW - timedelta(hours=1)),
    "show_retention": lambda db, _: retention.show_retention(db, ACTOR),
    "list_conversation_retention": lambda db, _: retention.list_conversation_retention(
        db, ACTOR, None, PAGE
    ),
    "set_retention": lambda db, _: retention.set_retention(db, ACTOR, None, {"messages_days": 90}),
    "set_retention of a conversation": lambda db, _: retention.set_retention(
        db, ACTOR, MAIN, {"messages_days": 90}
    ),
    "token_secret": lambda db, _: sessions.token_secret(db),
    "start_session": lambda db, _: sessions.start_session(
        db, sessions.NewSession(NEW_ID, ACTOR, "hash", NEW_HASH, None, None), LIMITS, NOW
    ),
    "change_password": lambda db, _: sessions.change_password(
        db,
        sessions.PasswordChange(ACTOR, id_of(Kind.SESSION, 0), "hash", "new", NEW_HASH),
        28_800,
        NOW,
    ),
    "authenticate_sessions": lambda db, _: sessions.authenticate_sessions(
        db, [hash_of("session", n) for n in range(10)], 28_800, NOW
    ),
    "rotate_session": lambda db, _: sessions.rotate_session(
        db, hash_of("session", 0), NEW_HASH, grace_seconds=30, idle_seconds=28_800, now=NOW
    ),
    "end_session": lambda db, _: sessions.end_session(db, ACTOR, id_of(Kind.SESSION, 0)),
    "end_user_sessions": lambda db, _: sessions.end_user_sessions(db, ACTOR, OTHER),
    "end_session_by_token": lambda db, _: sessions.end_session_by_token(db, hash_of("session", 0)),
    "list_sessions": lambda db, _: sessions.list_sessions(db, ACTOR, None, NOW),
    "touch_sessions": lambda db, _: sessions.touch_sessions(
        db, [id_of(kind, n) for kind in (Kind.SESSION, Kind.TOKEN) for n in range(10)], 28_800, NOW
    ),
    "create_token": lambda db, _: tokens.create_token(
        db, ACTOR, tokens.NewToken(NEW_ID, NEW_HASH, "x", ["read"], None), 50, KEY, NOW
    ),
    "list_tokens": lambda db, _: tokens.list_tokens(db, ACTOR),
    "revoke_token": lambda db, _: tokens.revoke_token(db, ACTOR, id_of(Kind.TOKEN, 0)),
    "authenticate_tokens": lambda db, _: tokens.authenticate_tokens(
        db, [hash_of("token", n) for n in range(10)], NOW
    ),
    "admit_login": lambda db, _: rate_limits.admit_login(db, "user5", "192.0.2.1", RATE, NOW),
    "remember_login": lambda db, _: rate_limits.remember_login(db, ACTOR, "192.0.2.1", LATER),
    "record_heartbeat": lambda db, _: presence.record_heartbeat(db, ACTOR, AWAY, LATER),
    "read_presence": lambda db, _: presence.read_presence(
        db, [id_of(Kind.USER, n) for n in range(10)], with_conversations=True
    ),
}
SIGN_INS: Final[dict[str, Call]] = {
    "admit_address": lambda db, _: rate_limits.admit_address(db, "192.0.2.1", RATE, NOW),
    "begin_device_login": lambda db, _: device_logins.begin_device_login(
        db,
        device_logins.NewDeviceLogin(NEW_HASH, "BCDFGHJK", "x", "192.0.2.1", 5, LATER),
        NOW,
    ),
    "admit_user_code": lambda db, _: device_logins.admit_user_code(
        db, ACTOR, "192.0.2.1", RATE, NOW
    ),
    "show_device_login": lambda db, _: device_logins.show_device_login(db, ACTOR, "CODE5", NOW),
    "decide_device_login": lambda db, _: device_logins.decide_device_login(
        db, ACTOR, "CODE7", NOW, approve=True
    ),
    "poll_device_login": lambda db, _: device_logins.poll_device_login(
        db, hash_of("device", 9), NOW
    ),
    "poll_device_login that was approved": lambda db, _: device_logins.poll_device_login(
        db, hash_of("device", 8), NOW
    ),
    "begin_oauth_flow": lambda db, _: identities.begin_oauth_flow(
        db, NEW_HASH, NEW_HASH, "oidc", identities.OAuthFlow(), LATER
    ),
    "take_oauth_flow": lambda db, _: identities.take_oauth_flow(
        db, hash_of("state", 5), hash_of("binding", 5), "oidc", NOW
    ),
    "find_identity": lambda db, _: identities.find_identity(db, _identity(5), NOW),
    "register_identity": lambda db, _: identities.register_identity(
        db,
        identities.NewIdentityAccount(
            NEW_ID, "ada", "a@b.org", None, [], [], NEW_ID, _identity(-1)
        ),
        hash_of("invite", 0),
        NOW,
    ),
    "link_identity": lambda db, _: identities.link_identity(
        db,
        identities.OAuthFlow(ACTOR, id_of(Kind.SESSION, 0)),
        NEW_ID,
        _identity(-1),
        20,
        NOW,
    ),
    "list_identities": lambda db, _: identities.list_identities(db, ACTOR),
    "unlink_identity": lambda db, _: identities.unlink_identity(db, ACTOR, id_of(Kind.IDENTITY, 0)),
}
CONVERSATIONS: Final[dict[str, Call]] = {
    "create_conversation": lambda db, _: conversations.create_conversation(
        db, ACTOR, NEW_ID, requests.CreateConversation("new"), KEY, NOW
    ),
    "list_conversations": lambda db, _: _list_conversations(db),
    "list_conversations after one": lambda db, _: _list_conversations(
        db, (NOW - timedelta(minutes=4), id_of(Kind.CONVERSATION, 4))
    ),
    "show_conversation": lambda db, _: conversations.show_conversation(db, ACTOR, MAIN),
    "update_conversation": lambda db, _: conversations.update_conversation(
        db, ACTOR, MAIN, requests.UpdateConversation("new"), NOW
    ),
    "delete_conversation": lambda db, _: conversations.delete_conversation(db, ACTOR, MAIN, NOW),
    "list_participants": lambda db, _: participants.list_participants(db, ACTOR, MAIN),
    "add_participant": lambda db, _: participants.add_participant(
        db, ACTOR, MAIN, OUTSIDER, "member", NOW
    ),
    "remove_participant": lambda db, _: participants.remove_participant(
        db, ACTOR, MAIN, OTHER, NOW
    ),
    "create_invite": lambda db, _: invites.create_invite(
        db, ACTOR, MAIN, _new_invite(), 100, KEY, NOW
    ),
    "list_invites": lambda db, _: invites.list_invites(db, ACTOR, MAIN, None, PAGE, NOW),
    "list_invites after one": lambda db, s: invites.list_invites(
        db,
        ACTOR,
        MAIN,
        (NOW - timedelta(minutes=s.invites * 9 // 10), id_of(Kind.INVITE, 0)),
        5,
        NOW,
    ),
    "accept_invite": lambda db, _: invites.accept_invite(db, OUTSIDER, hash_of("invite", 0), NOW),
    "check_invite": lambda db, _: invites.check_invite(db, hash_of("invite", 0), "x", NOW),
    "revoke_invite": lambda db, _: invites.revoke_invite(
        db, ACTOR, id_of(Kind.INVITE, 0), NEW_HASH, NOW
    ),
    "show_presence": lambda db, _: presence.show_presence(db, ACTOR, MAIN),
    "check_may_type": lambda db, s: presence.check_may_type(db, ACTOR, MAIN, s.message(0, 0)),
    "read_log_bounds": lambda db, _: events.read_log_bounds(db, [(ACTOR, MAIN), (ACTOR, None)]),
    "read_events": lambda db, s: events.read_events(db, MAIN, s.messages - 40, 500),
    "read_events_batch": lambda db, s: events.read_events_batch(
        db, {id_of(Kind.CONVERSATION, n): s.messages - 40 for n in range(10)}, 500
    ),
    "list_positions": lambda db, _: events.list_positions(
        db, [id_of(Kind.CONVERSATION, n) for n in range(10)]
    ),
    "find_events_before": lambda db, _: events.find_events_before(db, [MAIN], LATER, 500),
    "find_revoked_streams": lambda db, _: events.find_revoked_streams(
        db,
        [events.StreamKey(id_of(Kind.SESSION, n), id_of(Kind.USER, n), MAIN) for n in range(9)],
        NOW,
    ),
}
THREADS: Final[dict[str, Call]] = {
    "export_messages": lambda db, _: _export_messages(db, None),
    "record_export": lambda db, _: exports.record_export(db, ACTOR, MAIN, None, "jsonl"),
    "export_messages after one": lambda db, s: _export_messages(db, (s.message(0, 0), _PATH)),
    "list_threads": lambda db, _: _list_threads(db),
    "list_threads after one": lambda db, s: _list_threads(
        db, (NOW - timedelta(milliseconds=s.messages // 2), id_of(Kind.MESSAGE, s.messages))
    ),
    "list_tree": lambda db, s: threads.list_tree(
        db, ACTOR, s.message(0, 0), threads.TreeStart(), 200
    ),
    "list_tree after a path": lambda db, s: _tree(db, s, "after"),
    "list_tree before a path": lambda db, s: _tree(db, s, "before"),
    "list_tree around a message": lambda db, s: _tree(db, s, "around"),
    "list_tree within a chain": lambda db, s: _tree(db, s, "around", 1),
    "list_messages": _list_messages,
    "list_messages after one": lambda db, s: _list_messages(db, s, after_seq=s.large_thread // 2),
    "list_messages before one": lambda db, s: _list_messages(db, s, before_seq=s.large_thread),
    "list_unread": lambda db, _: threads.list_unread(db, ACTOR, MAIN),
    "mark_read": lambda db, s: _mark_read(db, s.message(0, 0)),
    "mark_read up to a message": lambda db, s: _mark_read(
        db, s.message(0, 0), message_id=s.message(0, s.large_thread - 9)
    ),
    "mark_read up to a path": lambda db, s: _mark_read(db, s.message(0, 0), path=_PATH),
    "mark_unread": lambda db, s: threads.mark_unread(
        db, ACTOR, s.message(0, 0), s.message(0, s.large_thread - 700)
    ),
    "count_unread": lambda db, s: threads.count_unread(
        db, MAIN, [(s.message(0, 0), id_of(Kind.USER, n)) for n in range(3)]
    ),
    "post_messages": lambda db, _: _post(db, conversation_id=MAIN),
    "post_messages below a root": lambda db, s: _post(db, parent_id=s.message(0, 0)),
    "post_messages within a thread": lambda db, s: _post(
        db, parent_id=s.message(0, s.large_thread // 2)
    ),
    "post_messages within a chain": lambda db, s: _post(db, parent_id=s.message(1, s.chain // 2)),
    "post_messages below a chain": lambda db, s: _post(db, parent_id=s.message(1, s.chain - 1)),
    "get_message": lambda db, s: messages.get_message(db, ACTOR, s.message(0, 9)),
    "list_chunks": lambda db, s: messages.list_chunks(
        db, ACTOR, s.message(ANSWERED, 1), s.chunks - 40, 500
    ),
    "edit_message": lambda db, s: messages.edit_message(
        db, ACTOR, s.message(CHANGED, 1), requests.EditMessage("new"), NOW
    ),
    "delete_message": lambda db, s: messages.delete_message(
        db, ACTOR, s.message(CHANGED, 1), None, NOW
    ),
    "delete_message that is the last one": lambda db, s: messages.delete_message(
        db, ACTOR, s.message(1, s.chain - 1), None, NOW
    ),
    "restore_message": lambda db, s: messages.restore_message(
        db, ACTOR, s.message(CHANGED, 2), NOW
    ),
    "list_revisions": lambda db, s: messages.list_revisions(
        db, ACTOR, s.message(CHANGED, 1), None, PAGE
    ),
    "list_revisions before one": lambda db, s: messages.list_revisions(
        db, ACTOR, s.message(CHANGED, 1), 9, PAGE
    ),
}
ANSWERS: Final[dict[str, Call]] = {
    "append_chunks": lambda db, s: answers.append_chunks(
        db, s.message(STREAMING[0], 1), INSTANCE_ID, 20, ["more", "text"], NOW
    ),
    "finish_answer": lambda db, s: answers.finish_answer(
        db, s.message(STREAMING[0], 1), INSTANCE_ID, _result(), NOW
    ),
    "renew_leases": lambda db, s: answers.renew_leases(
        db, INSTANCE_ID, [s.message(thread, 1) for thread in STREAMING], LATER
    ),
    "fail_orphans": lambda db, _: answers.fail_orphans(db, LATER),
    "find_unfinished_ancestor": lambda db, s: answers.find_unfinished_ancestor(
        db, s.message(1, s.chain - 1)
    ),
    "list_prompt": lambda db, s: answers.list_prompt(db, s.message(1, s.chain - 1), 2_000),
    "request_cancel": lambda db, s: answers.request_cancel(
        db, ACTOR, s.message(STREAMING[0], 1), NOW
    ),
    "list_cancelled": lambda db, _: answers.list_cancelled(db, INSTANCE_ID),
    "regenerate_answer": lambda db, s: answers.regenerate_answer(
        db, ACTOR, s.message(ANSWERED, 1), None, ["demo"], KEY, CLAIM, NOW
    ),
}
IMPORTS: Final[dict[str, Call]] = {
    "begin_import": lambda db, _: imports.begin_import(db, ACTOR, NEW_ID, "key", LATER, NOW),
    "store_import": lambda db, _: imports.store_import(
        db, ACTOR, IMPORT, _import_batch(), LATER, NOW
    ),
    "finish_import": lambda db, _: imports.finish_import(db, ACTOR, IMPORT, KEY, "{}", NOW),
    "read_import_response": lambda db, _: imports.read_import_response(db, ACTOR, KEY, NOW),
    "abort_import": lambda db, _: imports.abort_import(db, ACTOR, IMPORT, NOW),
    "expire_imports": lambda db, _: imports.expire_imports(db, NOW),
}
CALLS: Final = {
    **ACCOUNTS,
    **SIGN_INS,
    **CONVERSATIONS,
    **THREADS,
    **ANSWERS,
    **IMPORTS,
}
