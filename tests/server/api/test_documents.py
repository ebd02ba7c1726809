"""The OpenAPI document as it is served."""

import gzip
import json
from pathlib import Path

import httpx
import pytest
import yaml
from click.testing import CliRunner
from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server.cli import spec


async def test_both_forms_are_served(server: InProcessServer) -> None:
    """With their media types, an ETag, and compressed for who accepts it."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        as_json = await client.get("/openapi.json", headers={"Accept-Encoding": "identity"})
        as_yaml = await client.get("/openapi.yaml")
        etag = as_json.headers["etag"]
        again = await client.get(
            "/openapi.json", headers={"Accept-Encoding": "identity", "If-None-Match": etag}
        )
        async with client.stream(
            "GET", "/openapi.json", headers={"Accept-Encoding": "gzip"}
        ) as small:
            compressed = b"".join([part async for part in small.aiter_raw()])

    assert as_json.headers["content-type"] == "application/json"
    assert as_yaml.headers["content-type"] == "application/yaml"
    assert as_json.json() == yaml.safe_load(as_yaml.content)
    assert (again.status_code, again.content) == (304, b"")
    assert gzip.decompress(compressed) == as_json.content
    assert len(compressed) < len(as_json.content) / 5


@pytest.mark.parametrize(
    ("arguments", "path"),
    [
        ((), "/openapi.yaml"),
        (("--format", "json"), "/openapi.json"),
        (("api.json",), "/openapi.json"),
        (("api.yaml",), "/openapi.yaml"),
        (("api", "--format", "json"), "/openapi.json"),
    ],
)
async def test_spec_writes_what_the_server_serves(
    server: InProcessServer,
    arguments: tuple[str, ...],
    path: str,
    tmp_path: Path,
) -> None:
    """The same bytes, to a file or to standard output, without a server."""
    is_file = bool(arguments) and not arguments[0].startswith("-")
    file = tmp_path / arguments[0] if is_file else Path("-")
    options = arguments[1:] if is_file else arguments
    result = CliRunner().invoke(spec, [str(file), *options], env={"RUSTYGPT_CONFIG_DIR": "none"})
    assert result.exit_code == 0, result.output
    written = file.read_bytes() if is_file else result.stdout_bytes
    async with httpx.AsyncClient(base_url=server.url, timeout=60) as client:
        assert (await client.get(path)).content == written


def test_spec_has_the_routes_that_the_settings_enable() -> None:
    """Without the administration of limits it has none of its routes, as the server."""
    environ = {
        "RUSTYGPT_CONFIG_DIR": "none",
        "RUSTYGPT__RATE_LIMITS__ADMIN_API_ENABLED": "false",
    }
    result = CliRunner().invoke(spec, ["-"], env=environ)

    assert "/api/admin/users" in result.output
    assert "/api/admin/limits" not in result.output


def test_a_document_that_cannot_be_written_is_an_error() -> None:
    """One sentence, and exit code 1."""
    result = CliRunner().invoke(spec, ["/nowhere/api.yaml"], env={"RUSTYGPT_CONFIG_DIR": "none"})

    assert result.exit_code == 1
    assert "cannot be written" in result.output


async def test_the_page_needs_no_other_host(server: InProcessServer) -> None:
    """All that it refers to is on this server; every operation and schema is on it."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        page = await client.get("/docs")
        document = (await client.get("/openapi.json")).json()
        style, script = await client.get("/docs/docs.css"), await client.get("/docs/docs.js")
        unknown = await client.get("/docs/openapi.json")

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "://" not in page.text.replace("https://rustygpt.dev/problems/", "").replace(
        json.dumps(document["jsonSchemaDialect"]), ""
    )
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert unknown.status_code == 404
    for path, operations in document["paths"].items():
        assert f"<code>{path}</code>" in page.text
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in page.text
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in page.text
