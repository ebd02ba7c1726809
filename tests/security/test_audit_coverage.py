"""Every operation that changes something is in the audit log, or there is a reason why not."""

import asyncio
from typing import Any, Final
from uuid import UUID

import pytest
from tests.repo.generate_reference import operations
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import HttpUser, InProcessServer

from rustygpt_server.api.request_parsing import SAFE_METHODS
from rustygpt_server.db import identities
from rustygpt_server.services.retention import PAUSE_SECONDS
from rustygpt_server.telemetry import bind_client
from rustygpt_shared.ids import new_id
from rustygpt_shared.models.audit import AUDIT_ACTIONS

Key = tuple[str, str]
_C: Final = "/api/conversations/{conversation_id}"
_M: Final = "/api/messages/{message_id}"

AUDITED: Final[dict[Key, set[str]]] = {
    ("POST", "/api/setup"): {"server.set_up"},
    ("POST", "/api/auth/login"): {"session.started", "login.refused"},
    ("POST", "/api/auth/register"): {"account.registered", "session.started", "invite.accepted"},
    ("POST", "/api/auth/logout"): {"session.ended"},
    ("PATCH", "/api/auth/me"): {"account.email_changed"},
    ("POST", "/api/auth/password"): {"account.password_changed"},
    ("DELETE", "/api/auth/sessions/{session_id}"): {"session.ended"},
    ("POST", "/api/auth/tokens"): {"token.created"},
    ("DELETE", "/api/auth/tokens/{token_id}"): {"token.revoked"},
    ("POST", "/api/auth/device/token"): {"session.started"},
    ("POST", "/device"): {"device.approved", "device.denied"},
    ("POST", "/api/oauth/{provider}/callback"): {
        "account.registered", "session.started", "invite.accepted", "identity.linked",
    },
    ("POST", "/api/oauth/{provider}/device/token"): {"account.registered", "session.started"},
    ("DELETE", "/api/auth/identities/{identity_id}"): {"identity.unlinked"},
    ("POST", "/api/admin/users"): {"account.created"},
    ("PATCH", "/api/admin/users/{user_id}"): {
        "account.disabled", "account.enabled", "account.roles_changed", "account.password_set",
    },
    ("DELETE", "/api/admin/users/{user_id}/sessions"): {"account.sessions_ended"},
    ("PUT", "/api/admin/retention"): {"retention.changed"},
    ("POST", "/api/admin/limits/profiles"): {"limit_profile.created"},
    ("PUT", "/api/admin/limits/profiles/{profile_id}"): {"limit_profile.updated"},
    ("DELETE", "/api/admin/limits/profiles/{profile_id}"): {"limit_profile.deleted"},
    ("POST", "/api/admin/limits/assignments"): {"limit_assignment.created"},
    ("DELETE", "/api/admin/limits/assignments/{assignment_id}"): {"limit_assignment.deleted"},
    ("POST", "/api/conversations"): {"conversation.created"},
    ("GET", f"{_C}/export"): {"conversation.exported"},
    ("POST", "/api/conversations/import"): {"conversation.imported"},
    ("PATCH", _C): {"conversation.updated"},
    ("DELETE", _C): {"conversation.deleted"},
    ("POST", f"{_C}/participants"): {"participant.added", "participant.role_changed"},
    ("DELETE", f"{_C}/participants/{{user_id}}"): {"participant.removed"},
    ("POST", f"{_C}/invites"): {"invite.created"},
    ("POST", "/api/invites/accept"): {"invite.accepted"},
    ("POST", "/api/invites/{token_or_id}/revoke"): {"invite.revoked"},
    ("POST", f"{_M}/edit"): {"message.edited"},
    ("POST", f"{_M}/delete"): {"message.deleted"},
    ("POST", f"{_M}/restore"): {"message.restored"},
}  # fmt: skip
NOT_AUDITED: Final[dict[Key, str]] = {
    ("POST", "/api/auth/device"): "nobody has decided about the device yet",
    ("POST", "/api/oauth/{provider}/device"): "nobody has signed in yet",
    ("POST", "/api/oauth/{provider}/link"): "the callback links",
    ("POST", "/api/auth/refresh"): "changes the token of a session, as use does",
    ("POST", "/api/threads/{conversation_id}/root"): "the message itself says it",
    ("POST", "/api/messages/{parent_id}/reply"): "the message itself says it",
    ("POST", f"{_M}/regenerate"): "the answer itself says it",
    ("POST", f"{_M}/cancel"): "the answer itself says it",
    ("POST", "/api/threads/{root_id}/read"): "a mark of one's own",
    ("POST", "/api/threads/{root_id}/unread"): "a mark of one's own",
    ("POST", "/v1/chat/completions"): "is not stored, or the message itself says it",
    ("POST", "/api/v1/chat/completions"): "the same",
    ("POST", "/api/typing"): "is not stored",
    ("POST", "/api/presence/heartbeat"): "presence",
}


NO_REQUEST: Final = {"backup.created", "backup.restored"}
"""What commands on the server's machine record."""


def test_every_operation_has_a_decision() -> None:
    """A new one has to be added to one of the two tables."""
    existing = {(one.method, one.template) for one in operations()}
    changing = {key for key in existing if key[0] not in SAFE_METHODS}
    reading = {key for key in AUDITED if key[0] in SAFE_METHODS}

    assert changing | reading == AUDITED.keys() | NOT_AUDITED.keys()
    assert reading == {("GET", f"{_C}/export")} <= existing
    assert not AUDITED.keys() & NOT_AUDITED.keys()
    assert set().union(*AUDITED.values()) == set(AUDIT_ACTIONS) - NO_REQUEST


async def test_each_action_is_recorded_with_actor_and_address(server: InProcessServer) -> None:
    """By requests that do them all."""
    admin, ann, bob = [await server.person(name) for name in ("admin", "ann", "bob")]
    await _chat(ann, bob)
    await _administer(server, admin, bob)
    await _decide_about_devices(ann)
    await _link_and_unlink(server, ann)
    await _sign_in_and_out(server, ann)
    entries = (await admin.get("/api/admin/audit?limit=200"))["entries"]

    assert {one["action"] for one in entries} == set(AUDIT_ACTIONS) - NO_REQUEST
    assert {one.get("address") for one in entries} == {"127.0.0.1"}
    nameless = {one["action"] for one in entries if "actor_name" not in one}
    assert nameless == {"login.refused"}
    assert [one["number"] for one in entries] == sorted(
        (one["number"] for one in entries), reverse=True
    )


async def _chat(ann: HttpUser, bob: HttpUser) -> None:
    conversation = await ann.group(bob)
    place = f"/api/conversations/{conversation}"
    await ann.call("PATCH", place, {"title": "new"})
    await ann.call("GET", f"{place}/export")
    root = await bob.root(conversation)
    await ann.post(f"/api/messages/{root}/edit", {"content": "x"}, expect=204)
    await ann.post(f"/api/messages/{root}/delete", {}, expect=204)
    await ann.post(f"/api/messages/{root}/restore", {}, expect=204)
    body = {"user_id": str(bob.id), "role": "viewer"}
    await ann.post(f"{place}/participants", body, expect=204)
    await ann.call("DELETE", f"{place}/participants/{bob.id}", expect=204)
    invite = await ann.post(f"{place}/invites", {}, expect=200)
    await bob.post("/api/invites/accept", {"token": invite["token"]}, expect=200)
    invite = await ann.post(f"{place}/invites", {}, expect=200)
    await ann.post(f"/api/invites/{invite['invite_id']}/revoke", {}, expect=204)
    await ann.call("DELETE", place, expect=204)
    message = {"author": {"role": "user"}, "content": {"content_type": "text", "parts": ["x"]}}
    mapping = {"a": {"parent": None, "message": message}}
    await ann.post("/api/conversations/import", {"mapping": mapping}, expect=201)


async def _decide_about_devices(ann: HttpUser) -> None:
    for approve in (True, False):
        codes = await ann.post("/api/auth/device", {})
        body = {"user_code": codes["user_code"], "approve": approve}
        await ann.post("/device", body, expect=204)


async def _link_and_unlink(server: InProcessServer, ann: HttpUser) -> None:
    """Link without a provider, as the callback does; `tests/server/api/test_oauth.py` has one."""
    session = UUID((await ann.get("/api/auth/me"))["session"]["id"])
    flow = identities.OAuthFlow(ann.id, session)
    identity = identities.Identity("oidc", "https://login.example.org", "person-1")
    db, now = server.components.db, server.clock.now()
    bind_client("127.0.0.1", "127.0.0.1")
    await identities.link_identity(db, flow, new_id(1), identity, 20, now)
    [linked] = (await ann.get("/api/auth/identities"))["identities"]
    await ann.call("DELETE", f"/api/auth/identities/{linked['id']}", expect=204)


async def _administer(server: InProcessServer, admin: HttpUser, bob: HttpUser) -> None:
    limits = "/api/admin/limits"
    params = {"requests_per_second": 1, "burst": 1_000}
    profile = await admin.post(f"{limits}/profiles", {"name": "x", "params": params}, expect=201)
    await admin.call("PUT", f"{limits}/profiles/{profile['id']}", {"params": params})
    body = {"profile_id": profile["id"], "method": "GET", "path": "/api/nowhere"}
    assignment = await admin.post(f"{limits}/assignments", body, expect=201)
    await admin.call("DELETE", f"{limits}/assignments/{assignment['id']}", expect=204)
    await admin.call("DELETE", f"{limits}/profiles/{profile['id']}", expect=204)
    await admin.call("PUT", "/api/admin/retention", {"audit_days": 400})
    account = f"/api/admin/users/{bob.id}"
    changes: list[dict[str, Any]] = [
        {"disabled": True},
        {"disabled": False},
        {"roles": ["read_only"]},
        {"password": "another password"},
    ]
    for change in changes:
        await server.settled(admin.call("PATCH", account, change))
    await admin.call("DELETE", f"{account}/sessions", expect=204)


async def _sign_in_and_out(server: InProcessServer, ann: HttpUser) -> None:
    wrong = {"email": "ann", "password": "wrong password"}
    await ann.post("/api/auth/login", wrong, expect=401)
    await ann.post("/api/auth/login", {**wrong, "email": "nobody"}, expect=401)
    token = await ann.post("/api/auth/tokens", {"name": "x", "scopes": ["read"]}, expect=201)
    await ann.call("DELETE", f"/api/auth/tokens/{token['id']}", expect=204)
    body = {"email": "ann2@example.org", "current_password": PASSWORD}
    await server.settled(ann.call("PATCH", "/api/auth/me", body))
    again = await server.sign_in("ann")
    await server.change_password(ann, "another password")
    assert (await again.client.get("/api/auth/me")).status_code == 401
    invite = await _invite(ann)
    new = {"username": "cid", "email": "cid@example.org", "password": PASSWORD}
    await ann.call("POST", "/api/auth/logout")
    await ann.post("/api/auth/register", {**new, "invite_token": invite}, expect=201)


async def _invite(ann: HttpUser) -> str:
    place = f"/api/conversations/{await ann.group()}/invites"
    return str((await ann.post(place, {}, expect=200))["token"])


@pytest.mark.parametrize(
    "query",
    ["action=nothing", "actor=x", "since=yesterday", "cursor=x", "until=2026-13-01", "target=1"],
)
async def test_a_filter_that_cannot_be_read_is_400(server: InProcessServer, query: str) -> None:
    """With a sentence that names it."""
    admin = await server.person("admin")
    problem = await admin.get(f"/api/admin/audit?{query}", expect=400)
    name = query.partition("=")[0]
    assert name in problem["detail"], problem


async def test_a_topic_lists_its_actions_page_by_page(server: InProcessServer) -> None:
    """The cursor leads on, until there is no more."""
    admin = await server.person("admin")
    for name in ("ann", "bob"):
        await server.person(name)
    actions: list[str] = []
    cursor = ""
    while True:
        page = await admin.get(f"/api/admin/audit?action=account&limit=1{cursor}")
        actions += [one["action"] for one in page["entries"]]
        if "next_cursor" not in page:
            break
        cursor = f"&cursor={page['next_cursor']}"

    assert actions == ["account.created"] * 2


async def test_retention_is_applied_while_the_server_runs(server: InProcessServer) -> None:
    """A dry run says what goes; then it goes, and a stream would get it."""
    admin = await server.person("admin")
    conversation = await admin.group()
    root = await admin.root(conversation)
    body = {"messages_days": 1}
    server.clock.advance(2 * 86_400)
    admin = await server.sign_in("admin")
    place = "/api/admin/retention"
    preview = await admin.call("PUT", place, {**body, "dry_run": True})
    assert preview.json()["expired"]["messages"] == 1
    assert (await admin.get(place))["messages_days"] is None
    await admin.call("PUT", place, body)
    applied = asyncio.ensure_future(server.components.services.retention.apply())
    while not applied.done():
        server.clock.advance(PAUSE_SECONDS)
        await asyncio.sleep(0.005)
    assert "deleted_at" in await admin.get(f"/api/messages/{root}")
    shown = await admin.get(place)
    assert shown == {
        "messages_days": 1,
        "deleted_messages_days": None,
        "events_days": None,
        "audit_days": None,
        "conversations": [],
    }


async def test_a_retention_that_does_not_fit_is_422(server: InProcessServer) -> None:
    """Of no days, of too few for the audit log, and of the server for a conversation."""
    admin = await server.person("admin")
    for body in (
        {"messages_days": 0},
        {"audit_days": 29},
        {"events_days": 1, "conversation_id": await admin.group()},
        {"unknown": 1},
    ):
        await admin.call("PUT", "/api/admin/retention", body, expect=422)
