"""What commands do when the server limits requests."""

from uuid import UUID

import pytest
from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, problem
from tests.support.sample_models import TEA

from rustygpt_shared.models.messages import PostedMessage

POSTED = PostedMessage(UUID(int=7), UUID(int=7), TEA, 1)
_ROOT = f"/api/threads/{TEA}/root"


def _limited(seconds: str) -> FakeResponse:
    detail = f"Too many messages; try again in {seconds} seconds."
    return problem(429, "RGP.RATE_LIMITED", detail, retry_after=seconds)


async def test_a_post_waits_and_is_sent_again(signed_in: FakeHttpServer) -> None:
    """With the same key; the note says for how long, unless the command is quiet."""
    signed_in.on("POST", _ROOT, _limited("1"), FakeResponse(201, POSTED))
    result = await rustygpt("post", str(TEA), "hello")
    assert (result.code, result.out) == (0, f"{POSTED.message_id}\n")
    assert result.err == "Too many messages. Trying again in 1 s.\n"
    first, again = signed_in.requests
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]
    assert first.body == again.body


async def test_a_long_wait_is_left_to_the_user(signed_in: FakeHttpServer) -> None:
    """Beyond a minute the command ends at once with exit code 7, and says when to try again."""
    signed_in.on("POST", _ROOT, _limited("61"))
    result = await rustygpt("post", str(TEA), "hello")
    expected = "rustygpt: Too many messages; try again in 61 seconds.\n"
    assert (result.code, result.err) == (7, expected)
    assert len(signed_in.requests) == 1


@pytest.mark.parametrize("seconds", ["1", "30"])
async def test_a_login_does_not_wait(server: FakeHttpServer, seconds: str) -> None:
    """The password would stay in memory, and a person may have mistyped it."""
    server.on("POST", "/api/auth/login", _limited(seconds))
    words = ["login", "--email", "ada", "--password-stdin"]
    result = await rustygpt(*words, stdin="password-1\n")
    assert result.code == 7
    assert result.err.endswith(f"try again in {seconds} seconds.\n")
    assert len(server.requests) == 1
