"""What clients send never becomes a label of a metric: labels live as long as the process."""

import re
from typing import Any, get_args, get_type_hints

import httpx
import pytest
from tests.support.clients.raw_http import raw_connection, request
from tests.support.fakes.fake_model_server import answer, fake_model_server
from tests.support.servers.in_process_server import (
    HttpUser,
    InProcessServer,
    StartServer,
    openai_settings,
)

from rustygpt_server.app.factory import route_groups
from rustygpt_shared.settings import Settings

_STRANGE = "zq-strange-7731"


def _strange_body(shape: Any) -> dict[str, Any]:
    """Return a body whose text fields all have the strange text."""
    return {
        name: _STRANGE
        for name, hint in get_type_hints(shape).items()
        if hint is str or str in get_args(hint)
    }


async def _call_everything(user: HttpUser) -> None:
    """Call each operation with strange path, query, headers and body."""
    operations = [o for group in route_groups(Settings()) for o in group.operations]
    for operation in operations:
        if "stream" in operation.path:
            continue
        path = re.sub(r"\{[^}]*\}", "00000000-0000-7000-8000-000000000000", operation.template)
        body = _strange_body(operation.body) if operation.body else None
        await user.client.request(
            operation.method,
            f"{path}?query={_STRANGE}&cursor={_STRANGE}",
            json=body,
            headers={"X-CSRF-TOKEN": user.csrf, "User-Agent": _STRANGE, "x-request-id": _STRANGE},
        )
        await user.client.request(operation.method, path.replace("0000", _STRANGE))


async def test_nothing_that_is_sent_becomes_a_label(server: InProcessServer) -> None:
    """Whatever the operation, the method, the header or the field."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    post = f"/api/threads/{conversation_id}/root"
    await _call_everything(ann)
    ann = await server.sign_in("admin")
    await _call_everything(ann)
    await ann.client.post(
        post, json={"content": "a", "model": _STRANGE}, headers={"X-CSRF-TOKEN": ann.csrf}
    )
    async with raw_connection(server.url) as connection:
        await connection.send(request(_STRANGE, f"/{_STRANGE}", f"{_STRANGE}: {_STRANGE}"))
        await connection.response()
    async with httpx.AsyncClient(base_url=server.url) as client:
        await client.get("/api/stream", params={"positions": _STRANGE, "last_event_id": _STRANGE})
        metrics = (await client.get("/metrics")).text

    assert "http_requests_total" in metrics
    assert _STRANGE not in metrics


@pytest.mark.parametrize("mode", ["always", "off"])
async def test_an_unknown_model_is_422_and_nothing_is_stored(
    server: InProcessServer, mode: str
) -> None:
    """For posts, replies and conversations alike; a model that exists is accepted."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation(assistant_mode=mode)
    root = await ann.root(conversation_id)
    before = await ann.get(f"/api/conversations/{conversation_id}/threads")
    unknown = {"content": "a", "model": _STRANGE}
    refused = [
        await ann.call("POST", f"/api/threads/{conversation_id}/root", unknown, expect=422),
        await ann.call("POST", f"/api/messages/{root}/reply", unknown, expect=422),
        await ann.call("POST", "/api/conversations", {"title": "a", "model": _STRANGE}, expect=422),
        await ann.call(
            "PATCH", f"/api/conversations/{conversation_id}", {"model": _STRANGE}, expect=422
        ),
    ]
    known = {"content": "a", "model": "demo"}
    after = await ann.get(f"/api/conversations/{conversation_id}/threads")
    await ann.call("POST", f"/api/messages/{root}/reply", known, expect=201)

    assert {r.json()["errors"][0]["field"] for r in refused} == {"model"}
    assert [t["message_count"] for t in after["threads"]] == [
        t["message_count"] for t in before["threads"]
    ]
    assert len((await ann.get("/api/conversations"))["conversations"]) == 1


async def test_a_model_that_was_removed_is_labelled_unknown(start_server: StartServer) -> None:
    """A conversation may have stored it; its name is that of the configuration then, not now."""
    async with (
        fake_model_server(answer("hello")) as model,
        start_server(llm=openai_settings(model.url)) as server,
    ):
        catalog = server.components.catalog
        labels = [catalog.label(name) for name in ("m", "demo", _STRANGE)]

    assert labels == ["m", "demo", "unknown"]
