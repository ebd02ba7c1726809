"""What requests with an id refer to: something of the caller's own, another's, or deleted.

Kinds of callers are in `callers`.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal
from uuid import UUID

from tests.support.servers.in_process_server import HttpUser, InProcessServer

from rustygpt_server.db import identities
from rustygpt_shared.ids import new_id

Target = Literal["own", "another's", "deleted"]
_PROFILES: Final = "/api/admin/limits/profiles"
_ASSIGNMENTS: Final = "/api/admin/limits/assignments"


@dataclass
class TargetSite:
    """Ann, who makes the requests, Bob, whose things are another's, and the administrator.

    Each method creates something, and returns its id. Bob's conversations have Ann as a member.
    """

    server: InProcessServer
    ann: HttpUser
    bob: HttpUser
    cid: HttpUser
    admin: HttpUser
    _count: int = field(default=0)

    @classmethod
    async def create(cls, server: InProcessServer) -> "TargetSite":
        """Create the accounts."""
        ann, bob, cid = [await server.person(name) for name in ("ann", "bob", "cid")]
        return cls(server, ann, bob, cid, await server.person("admin"))

    async def ids(self, template: str, target: Target) -> dict[str, str]:
        """Return new ids for the parameters of a route, and for the ids of its body."""
        if template == "/api/admin/retention":
            return await self._in_conversation("/api/conversations/{conversation_id}", target)
        if "/api/admin/" in template:
            return await self._administered(template, target)
        if "{session_id}" in template:
            return {"session_id": await self._session(target)}
        if "{token_id}" in template:
            return {"token_id": await self._token(target)}
        if "{identity_id}" in template:
            return {"identity_id": await self._identity(target)}
        if "{user_id}" in template:
            return await self._participant(target)
        return await self._in_conversation(template, target)

    async def deleted_conversation(self) -> dict[str, str]:
        """Return the ids of a conversation that Ann has deleted, and of what was in it."""
        ids = await self._conversation(self.ann)
        await self.ann.call("DELETE", f"/api/conversations/{ids['conversation_id']}", expect=204)
        return ids

    async def unknown(self) -> dict[str, str]:
        """Return ids of nothing; the user and the profile of a body exist."""
        ids = await self._conversation(self.ann)
        return {name: str(new_id(0)) for name in (*ids, "session_id", "token_id", "assignment_id")}

    async def outside(self) -> dict[str, str]:
        """Return the ids of a conversation of Bob's that Ann is not in."""
        return await self._conversation(self.bob)

    async def _conversation(self, owner: HttpUser, *members: HttpUser) -> dict[str, str]:
        conversation_id = await owner.group(*members)
        root = await owner.root(conversation_id)
        invite = await owner.post(f"/api/conversations/{conversation_id}/invites", {})
        return {
            "conversation_id": conversation_id,
            **dict.fromkeys(("root_id", "message_id", "parent_id"), root),
            "token_or_id": invite["invite_id"],
            "user_id": str(self.cid.id),
        }

    async def _in_conversation(self, template: str, target: Target) -> dict[str, str]:
        if target == "another's":
            return await self._conversation(self.bob, self.ann)
        ids = await self._conversation(self.ann)
        if target == "deleted" and "{conversation_id}" in template:
            path = f"/api/conversations/{ids['conversation_id']}"
            await self.ann.call("DELETE", path, expect=204)
        elif target == "deleted":
            await self.ann.post(f"/api/messages/{ids['root_id']}/delete", {}, expect=204)
            path = f"/api/invites/{ids['token_or_id']}/revoke"
            await self.ann.post(path, None, expect=204)
        return ids

    async def _participant(self, target: Target) -> dict[str, str]:
        """Ann in Bob's conversation, Bob there, and somebody who was removed from Ann's."""
        if target != "deleted":
            ids = await self._conversation(self.bob, self.ann)
            person = self.ann if target == "own" else self.bob
            return {**ids, "user_id": str(person.id)}
        ids = await self._conversation(self.ann, self.cid)
        path = f"/api/conversations/{ids['conversation_id']}/participants/{self.cid.id}"
        await self.ann.call("DELETE", path, expect=204)
        return ids

    async def _session(self, target: Target) -> str:
        signed_in = await self.server.sign_in("bob" if target == "another's" else "ann")
        listed = await signed_in.get("/api/auth/sessions")
        [session_id] = [one["id"] for one in listed["sessions"] if one.get("current")]
        if target == "deleted":
            await self.ann.call("DELETE", f"/api/auth/sessions/{session_id}", expect=204)
        return str(session_id)

    async def _token(self, target: Target) -> str:
        owner = self.bob if target == "another's" else self.ann
        body = {"name": "a program", "scopes": ["read"]}
        token_id = (await owner.post("/api/auth/tokens", body, expect=201))["id"]
        if target == "deleted":
            await self.ann.call("DELETE", f"/api/auth/tokens/{token_id}", expect=204)
        return str(token_id)

    async def _identity(self, target: Target) -> str:
        owner = self.bob if target == "another's" else self.ann
        self._count += 1
        [session] = [
            one["id"]
            for one in (await owner.get("/api/auth/sessions"))["sessions"]
            if one.get("current")
        ]
        flow = identities.OAuthFlow(owner.id, UUID(session))
        identity = identities.Identity("oidc", "https://login.example.org", str(self._count))
        db, now = self.server.components.db, self.server.clock.now()
        await identities.link_identity(db, flow, new_id(self._count), identity, 20, now)
        identity_id = str((await owner.get("/api/auth/identities"))["identities"][-1]["id"])
        if target == "deleted":
            await owner.call("DELETE", f"/api/auth/identities/{identity_id}", expect=204)
        return identity_id

    async def _administered(self, template: str, target: Target) -> dict[str, str]:
        """An account or a limit; a deleted account is one that is disabled."""
        self._count += 1
        params = {"requests_per_second": 1, "burst": 1}
        body: dict[str, Any] = {"name": f"profile-{self._count}", "params": params}
        profile_id = (await self.admin.post(_PROFILES, body, expect=201))["id"]
        if "{user_id}" in template:
            return {"user_id": await self._account(target)}
        if "{assignment_id}" not in template:
            if target == "deleted":
                await self.admin.call("DELETE", f"{_PROFILES}/{profile_id}", expect=204)
            return {"profile_id": profile_id}
        body = {"profile_id": profile_id, "method": "GET", "path": f"/api/{self._count}"}
        assignment_id = (await self.admin.post(_ASSIGNMENTS, body, expect=201))["id"]
        if target == "deleted":
            await self.admin.call("DELETE", f"{_ASSIGNMENTS}/{assignment_id}", expect=204)
        return {"assignment_id": assignment_id}

    async def _account(self, target: Target) -> str:
        if target != "deleted":
            return str((self.admin if target == "own" else self.bob).id)
        disabled = await self.server.person("dora")
        await self.admin.call("PATCH", f"/api/admin/users/{disabled.id}", {"disabled": True})
        return str(disabled.id)
