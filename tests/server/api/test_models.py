"""The list of models."""

from tests.support.servers.in_process_server import InProcessServer


async def test_models_are_listed_with_the_default_first(server: InProcessServer) -> None:
    """Each with its provider and the size of its context."""
    ann = await server.person("ann")
    listed = (await ann.get("/api/models"))["models"]

    assert listed[0]["id"] == "demo"
    assert listed[0]["provider"] == "demo"
    assert listed[0]["context_tokens"] > 0
    assert [model["is_default"] for model in listed] == [True] + [False] * (len(listed) - 1)


async def test_a_token_needs_the_scope_read(server: InProcessServer) -> None:
    """A token for /v1 does not list them here."""
    ann = await server.person("ann")
    reader = server.token_user(await ann.create_token("read"), ann)
    v1 = server.token_user(await ann.create_token("v1"), ann)

    assert (await reader.get("/api/models"))["models"]
    await v1.get("/api/models", expect=403)
