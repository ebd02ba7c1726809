"""Every kind of caller, and a conversation that each stands to in another way."""

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


@dataclass
class CallerMatrix:
    """A conversation with a thread and an answer in it, and everybody's client."""

    ids: dict[str, str]
    people: dict[str, HttpUser]
    url: str

    async def status(self, kind: str, method: str, path: str, body: object) -> int:
        """What a kind of caller is answered."""
        if kind == "anonymous":
            async with httpx.AsyncClient(base_url=self.url) as client:
                return (await client.request(method, path, json=body)).status_code
        person = self.people[kind]
        headers = {"X-CSRF-TOKEN": person.csrf}
        if path.startswith("/api/stream"):
            async with person.client.stream(method, path, headers=headers) as answer:
                return answer.status_code
        answer = await person.client.request(method, path, json=body, headers=headers)
        return answer.status_code


async def make_caller_matrix(server: InProcessServer) -> CallerMatrix:
    """A new conversation in which each kind of caller has its place; the people stay the same."""
    people = {"global_admin": await server.person("admin")}
    for kind in CALLER_KINDS[1:]:
        if kind == "read_only":
            people[kind] = await server.person("the_read_only", roles=["read_only"])
        elif kind != "global_admin":
            people[kind] = await server.person(f"the_{kind}")
    owner = people["owner"]
    conversation_id = await owner.conversation(is_group=True)
    where = f"/api/conversations/{conversation_id}/participants"
    roles = {"ex_member": "member", "viewer": "viewer", "member": "member", "admin": "admin"}
    for kind, role in {**roles, "read_only": "member"}.items():
        await owner.post(where, {"user_id": str(people[kind].id), "role": role}, expect=204)
    root = await owner.root(conversation_id)
    await owner.call("DELETE", f"{where}/{people['ex_member'].id}", expect=204)
    ids = {
        "conversation_id": conversation_id,
        "root_id": root,
        "message_id": root,
        "parent_id": root,
        "user_id": str(people["viewer"].id),
        "session_id": "00000000-0000-7000-8000-000000000001",
    }
    return CallerMatrix(ids, people, server.url)
