"""Every kind of caller, and a conversation with a different relation to each."""

from dataclasses import dataclass

import httpx
from tests.support.servers.in_process_server import HttpUser, InProcessServer

CALLER_KINDS = (
    "anonymous",
    "outsider",
    "ex_member",
    "viewer",
    "member",
    "admin",
    "owner",
    "global_admin",
    "read_only",
)

_UNKNOWN_ID = "00000000-0000-7000-8000-000000000001"


@dataclass
class CallerMatrix:
    """A conversation with one thread, and the client of each kind of caller."""

    ids: dict[str, str]
    people: dict[str, HttpUser]
    url: str

    async def status(self, kind: str, method: str, path: str, body: object) -> int:
        """Return the status of a request by a kind of caller."""
        if kind == "anonymous":
            async with httpx.AsyncClient(base_url=self.url) as client:
                return (await client.request(method, path, json=body)).status_code
        person = self.people[kind]
        headers = {"X-CSRF-TOKEN": person.csrf}
        if path.startswith("/api/stream"):
            async with person.client.stream(method, path, headers=headers) as response:
                return response.status_code
        response = await person.client.request(method, path, json=body, headers=headers)
        return response.status_code


async def make_caller_matrix(server: InProcessServer) -> CallerMatrix:
    """Create a conversation for all kinds of callers; the users are created once."""
    people = {"global_admin": await server.person("admin")}
    for kind in CALLER_KINDS[1:]:
        if kind == "read_only":
            people[kind] = await server.person("the_read_only", roles=["read_only"])
        elif kind != "global_admin":
            people[kind] = await server.person(f"the_{kind}")
    owner = people["owner"]
    conversation_id = await owner.conversation(is_group=True)
    roles = {"ex_member": "member", "viewer": "viewer", "member": "member", "admin": "admin"}
    for kind, role in {**roles, "read_only": "member"}.items():
        await owner.add_participant(conversation_id, people[kind], role)
    root = await owner.root(conversation_id)
    ex_member_path = f"/api/conversations/{conversation_id}/participants/{people['ex_member'].id}"
    await owner.call("DELETE", ex_member_path, expect=204)
    invite = await owner.post(f"/api/conversations/{conversation_id}/invites", {})
    ids = {
        "conversation_id": conversation_id,
        "root_id": root,
        "message_id": root,
        "parent_id": root,
        "user_id": str(people["viewer"].id),
        **dict.fromkeys(("session_id", "token_id", "profile_id", "assignment_id"), _UNKNOWN_ID),
        "identity_id": _UNKNOWN_ID,
        "provider": "oidc",
        "model_id": "unknown",
        "token_or_id": invite["invite_id"],
    }
    return CallerMatrix(ids, people, server.url)
