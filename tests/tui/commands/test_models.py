"""The command `models`."""

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse

from rustygpt_shared.codec import decode
from rustygpt_shared.models.assistant import ModelInfo, ModelList

DEFAULT = ModelInfo("qwen3", "local", 32_768, is_default=True)
OTHER = ModelInfo("org/model\x1b[31m", "other", 8_192, is_default=False)


async def test_models_are_listed_one_per_line(signed_in: FakeHttpServer) -> None:
    """Names cannot control the terminal; as JSON one object per line."""
    signed_in.on("GET", "/api/models", FakeResponse(body=ModelList([DEFAULT, OTHER])))
    result = await rustygpt("models")
    assert result.out == "qwen3\tlocal\t32768\tyes\norg/model[31m\tother\t8192\tno\n"
    result = await rustygpt("models", "--json")
    assert [decode(line.encode(), ModelInfo) for line in result.out.splitlines()] == [
        DEFAULT, OTHER,
    ]  # fmt: skip
