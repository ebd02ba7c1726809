"""The line chat against a real server and a scripted model server."""

from pathlib import Path

import pytest
from tests.support.clients.cli_user import CliUser
from tests.support.clients.terminal import in_terminal
from tests.support.database import databases
from tests.support.fakes.fake_model_server import ScriptedAnswer, chunk, fake_model_server, finished
from tests.support.password import PASSWORD
from tests.support.servers.server_process import server_process
from tests.support.wait import until

pytestmark = pytest.mark.slow

LINES = 10


async def test_ten_lines_in_a_row_alternate_with_their_answers(
    tmp_path: Path, cluster_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However quickly they are typed: each prompt is user, assistant, user, and so on."""
    url = await databases.create(cluster_url)
    script = ScriptedAnswer([chunk("yes"), 0.05, finished()])
    async with (
        fake_model_server(script) as model,
        server_process(tmp_path, url, OPENAI_BASE_URL=model.url, OPENAI_API_KEY="k") as server,
    ):
        ann = CliUser(tmp_path, server.url)
        setup = ("setup", "--username", "ann", "--email", "ann@example.org")
        await ann.run(*setup, "--password-stdin", stdin=PASSWORD)
        await ann.run("conversations", "create", "Quick")
        monkeypatch.setenv("RUSTYGPT_CONFIG_DIR", str(tmp_path))
        monkeypatch.setenv("RUSTYGPT_STATE_DIR", str(tmp_path))
        monkeypatch.setenv("RUSTYGPT__CLI__SERVER", server.url)
        async with in_terminal("chat", "--conversation", "Quick") as terminal:
            await terminal.shows("> ")
            terminal.types("/new ten quick\n" + "".join(f"quick {n}\n" for n in range(LINES)))
            await until(lambda: len(model.requests) == LINES + 1, 60)
            terminal.types("\x04")
            assert await terminal.ends() == 0
    await databases.drop(cluster_url, url)

    prompts = [request.body["messages"] for request in model.requests]
    roles = [[message["role"] for message in prompt] for prompt in prompts]
    assert roles == [["user", "assistant"] * n + ["user"] for n in range(LINES + 1)]
    assert [m["content"] for m in prompts[-1] if m["role"] == "user"] == [
        "ten quick",
        *(f"quick {n}" for n in range(LINES)),
    ]
