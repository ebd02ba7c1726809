"""The option `--model`: its completion, and what is said about an unknown model."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE

import pytest
from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import TEA, conversation

from rustygpt_shared.codec import decode
from rustygpt_shared.models.assistant import ModelInfo, ModelList
from rustygpt_shared.problems import VALIDATION, FieldError, Problem

NAMES = ("qwen3", "qwen3-coder", "org/llama-3.3:70b")
MODELS = ModelList([ModelInfo(name, "p", 8_192, is_default=name == NAMES[0]) for name in NAMES])
REFUSED = FakeResponse(
    422,
    Problem(
        type="x",
        title="Unprocessable Content",
        status=422,
        detail="model: there is no model of this name here",
        code=VALIDATION,
        message="x",
        request_id="r",
        errors=[FieldError("model", "there is no model of this name here")],
    ),
)


async def _completed(line: str) -> list[str]:
    """Return the completions of a command line's last word, as bash asks for them."""
    words = line.split(" ")
    environ = {
        **os.environ,
        "_RUSTYGPT_COMPLETE": "bash_complete",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    program = "from rustygpt_tui.cli import main; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environ, stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    assert err == b""
    return [item.removeprefix("plain,") for item in out.decode().split()]


@pytest.mark.parametrize(
    "command", ["ask C", "post C", "reply --parent M", "regenerate M", "conversations create T"]
)
async def test_names_of_models_are_completed(signed_in: FakeHttpServer, command: str) -> None:
    """They are those of the server, requested with the saved session."""
    signed_in.on("GET", "/api/models", FakeResponse(body=MODELS))
    assert await _completed(f"rustygpt {command} --model qw") == ["qwen3", "qwen3-coder"]
    assert "cookie" in signed_in.requests[-1].headers


async def test_a_server_that_does_not_answer_completes_nothing(signed_in: FakeHttpServer) -> None:
    """Within about a second, and without a word."""
    held = asyncio.Event()
    signed_in.on("GET", "/api/models", FakeResponse(body=MODELS, after=held))
    started = time.monotonic()
    assert await _completed("rustygpt ask C --model q") == []
    assert time.monotonic() - started < 10


async def test_an_unknown_model_names_those_that_may_be_meant(signed_in: FakeHttpServer) -> None:
    """The exit code is that of anything that is not found."""
    signed_in.on("POST", "/api/conversations", REFUSED)
    signed_in.on("GET", "/api/models", FakeResponse(body=MODELS))
    for name, hint in (
        ("llama", "did you mean org/llama-3.3:70b?"),
        ("Qwen-3", "did you mean qwen3 or qwen3-coder?"),
        ("zzzzzz", "see `rustygpt models`."),
    ):
        result = await rustygpt("conversations", "create", "T", "--model", name)
        assert result.code == 5
        assert f"There is no model '{name}' at this server; {hint}" in result.err


async def test_another_refusal_stays_what_it_is(signed_in: FakeHttpServer) -> None:
    """Also with a model that there is."""
    signed_in.on("POST", f"/api/threads/{TEA}/root", REFUSED)
    signed_in.on("GET", "/api/models", FakeResponse(body=MODELS))
    for options in ([], ["--model", "qwen3"]):
        result = await rustygpt("post", str(TEA), "Hello", *options)
        assert result.code == 1
        assert "did you mean" not in result.err


async def test_a_system_prompt_is_posted_with_the_model(signed_in: FakeHttpServer) -> None:
    """So that nothing is stored when the server does not have it."""
    signed_in.on("GET", f"/api/conversations/{TEA}", FakeResponse(body=conversation()))
    signed_in.on("POST", f"/api/threads/{TEA}/root", REFUSED)
    signed_in.on("GET", "/api/models", FakeResponse(body=MODELS))
    result = await rustygpt("ask", str(TEA), "Why?", "--system", "Be brief.", "--model", "lama")
    posts = [decode(r.body, dict) for r in signed_in.requests if r.method == "POST"]
    assert result.code == 5
    assert posts == [{"content": "Be brief.", "role": "system", "model": "lama"}]
