"""A model server that the environment names answers without any configuration."""

from pathlib import Path

import pytest
from tests.support.clients.cli_user import CliUser
from tests.support.database import databases
from tests.support.fakes.fake_model_server import answer, fake_model_server
from tests.support.password import PASSWORD
from tests.support.servers.server_process import server_process

pytestmark = pytest.mark.slow


async def test_a_model_server_is_found_without_configuration(
    tmp_path: Path, cluster_url: str
) -> None:
    """`OPENAI_BASE_URL` is enough: its first model answers where no other is configured."""
    url = await databases.create(cluster_url)
    async with fake_model_server(answer("found ", "you")) as model:
        model.models = ["nomic-embed-text", "chatty"]
        more = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "k"}
        async with server_process(tmp_path, url, **more) as server:
            ann = CliUser(tmp_path, server.url)
            setup = ("setup", "--username", "ann", "--email", "ann@example.org")
            await ann.run(*setup, "--password-stdin", stdin=PASSWORD)
            await ann.run("login", "--email", "ann", "--password-stdin", stdin=PASSWORD)
            await ann.run("conversations", "create", "Alone")
            said = await ann.run("ask", "Alone", "hello?")
    await databases.drop(cluster_url, url)

    assert said.strip() == "found you"
    assert model.requests[0].body["model"] == "chatty"
    assert model.requests[0].headers["authorization"] == "Bearer k"
