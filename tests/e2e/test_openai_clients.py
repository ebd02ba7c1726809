"""Programs written for OpenAI's API, as they are, against a real server: `openai` and `llm`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from tests.support.database import databases
from tests.support.fakes.fake_model_server import (
    FakeModelServer,
    ScriptedAnswer,
    answer,
    chunk,
    fake_model_server,
    finished,
)
from tests.support.servers.in_process_server import HttpUser, RunningServer
from tests.support.servers.server_process import server_process

pytestmark = pytest.mark.slow
USAGE = b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":2}}\n\n'
QUESTION: Any = [{"role": "user", "content": "Hello?"}]


@dataclass
class _Site:
    """A server with the model `scripted`, and a user with a token."""

    url: str
    user: HttpUser
    token: str
    model: FakeModelServer

    def openai(self, token: str | None = None) -> AsyncOpenAI:
        """Return OpenAI's client of this server."""
        key = self.token if token is None else token
        return AsyncOpenAI(base_url=f"{self.url}/v1", api_key=key, max_retries=0)


@pytest.fixture
async def site(tmp_path: Path, cluster_url: str) -> AsyncIterator[_Site]:
    """A server in a process of its own, whose model is scripted."""
    url = await databases.create(cluster_url)
    script = ScriptedAnswer([chunk("Hel"), chunk("lo"), USAGE, finished()])
    async with fake_model_server(script) as model:
        more = {"OPENAI_BASE_URL": model.url, "OPENAI_API_KEY": "k"}
        async with server_process(tmp_path, url, **more) as server:
            running = RunningServer(server.url)
            ann = await running.person("ann")
            token = await ann.create_token("v1")
            async with asyncio.timeout(30):
                while (await ann.get("/v1/models"))["data"][0]["id"] != "scripted":
                    await asyncio.sleep(0.02)
            yield _Site(server.url, ann, token, model)
            await running.close()
    await databases.drop(cluster_url, url)


async def test_the_openai_package_works_unchanged(site: _Site) -> None:
    """Models, completions, streams with usage, parameters, and completions in a thread."""
    async with site.openai() as client:
        models = [model.id async for model in client.models.list()]
        assert models[0] == "scripted"
        assert (await client.models.retrieve("scripted")).owned_by == "environment"

        completion = await client.chat.completions.create(
            model="scripted",
            messages=QUESTION,
            temperature=0.5,
            max_completion_tokens=50,
            stop="END",
        )
        [choice] = completion.choices
        assert (choice.message.role, choice.message.content) == ("assistant", "Hello")
        assert choice.finish_reason == "stop"
        assert completion.usage is not None
        assert completion.usage.total_tokens == 9
        assert site.model.requests[-1].body["temperature"] == 0.5

        stream = await client.chat.completions.create(
            model="scripted", messages=QUESTION, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello"
        assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
        assert [c.usage.total_tokens for c in chunks if c.usage] == [9]

        place = await site.user.conversation(assistant_mode="always")
        stored = await client.chat.completions.create(
            model="scripted",
            messages=QUESTION,
            extra_body={"metadata": {"rustygpt": {"conversation_id": place}}},
        )
        threads = (await site.user.get(f"/api/conversations/{place}/threads"))["threads"]
        assert stored.choices[0].message.content == "Hello"
        assert [thread["message_count"] for thread in threads] == [2]


async def test_the_openai_package_raises_its_own_errors(site: _Site) -> None:
    """A wrong key, an unknown model, what is not supported, and failures of the model."""
    async with site.openai("wrong") as stranger:
        with pytest.raises(openai.AuthenticationError):
            await stranger.models.list()
    async with site.openai() as client:
        create = client.chat.completions.create
        with pytest.raises(openai.NotFoundError, match="no model named") as missing:
            await create(model="other", messages=QUESTION)
        assert missing.value.code == "model_not_found"
        with pytest.raises(openai.BadRequestError) as refused:
            await create(model="scripted", messages=QUESTION, n=2)
        assert refused.value.param == "n"
        with pytest.raises(openai.NotFoundError, match="chat completions"):
            await client.embeddings.create(model="scripted", input="x")

        site.model.scripts = [ScriptedAnswer([b'{"error":{"message":"broken"}}'], status=400)]
        with pytest.raises(openai.InternalServerError, match="broken") as failed:
            await create(model="scripted", messages=QUESTION)
        assert failed.value.status_code == 502
        site.model.scripts = [ScriptedAnswer([chunk("Hel")])]
        stream = await create(model="scripted", messages=QUESTION, stream=True)
        texts: list[str] = []
        with pytest.raises(openai.APIError, match="closed the stream"):
            await _read(stream, texts)
        assert "".join(texts) == "Hel"


async def _read(stream: AsyncIterator[Any], texts: list[str]) -> None:
    """Append the texts of a stream to a list until it ends or fails."""
    async for part in stream:
        for choice in part.choices:
            texts.append(choice.delta.content or "")  # noqa: PERF401 - those before a failure count


async def test_leaving_a_stream_of_the_openai_package_stops_the_model(site: _Site) -> None:
    """Closing the response is enough."""
    held = asyncio.Event()
    site.model.scripts = [ScriptedAnswer([chunk("Hel"), held, finished()])]
    async with site.openai() as client:
        stream = await client.chat.completions.create(
            model="scripted", messages=QUESTION, stream=True
        )
        async for part in stream:
            if part.choices[0].delta.content:
                break
        await stream.close()
        await asyncio.wait_for(site.model.disconnected.wait(), 1)


async def test_the_llm_program_works_unchanged(site: _Site, tmp_path: Path) -> None:
    """Configured by its file of extra models: streamed or not, and a conversation goes on."""
    folder = tmp_path / "llm"
    folder.mkdir()
    (folder / "extra-openai-models.yaml").write_text(
        f"- model_id: rusty\n  model_name: scripted\n  api_base: {site.url}/v1\n"
        "  api_key_name: rusty\n",
        "utf-8",
    )
    site.model.scripts = [answer("Hello ", "there")]
    for arguments in (["-s", "Be brief."], ["--no-stream"], ["-c"]):
        said = await _llm(folder, "-m", "rusty", "--key", site.token, *arguments, "Hello?")
        assert said.strip() == "Hello there"
    system, *_ = site.model.requests[0].body["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert [m["role"] for m in site.model.requests[2].body["messages"]] == [
        "user", "assistant", "user",
    ]  # fmt: skip


async def _llm(folder: Path, *arguments: str) -> str:
    """Run `llm` with a folder of its own; return what it prints."""
    environ = {**os.environ, "LLM_USER_PATH": str(folder)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "llm", *arguments,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE, env=environ,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()
