"""Compressed responses."""

import gzip
import zlib

import brotli
import httpx
import pytest
from tests.support.clients.raw_http import raw_connection, request
from tests.support.servers.in_process_server import HttpUser, InProcessServer

from rustygpt_server.api.compression import accepted_encoding


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", None),
        ("identity", None),
        ("gzip", "gzip"),
        ("GZIP, deflate", "gzip"),
        ("gzip, deflate, br, zstd", "br"),
        ("br;q=0.5, gzip", "gzip"),
        ("br;q=0, gzip;q=0", None),
        ("*", "br"),
        ("*;q=0.1, br;q=0", "gzip"),
        ("gzip;q=2", None),
        ("gz" * 100_000, None),
    ],
)
def test_the_best_accepted_encoding_is_chosen(header: str, expected: str | None) -> None:
    """By the weights of RFC 9110; brotli where both are equal."""
    assert accepted_encoding(header) == expected


async def _get(user: HttpUser, server: InProcessServer, path: str, accepted: str) -> httpx.Response:
    headers = {
        "Accept-Encoding": accepted,
        "Cookie": f"SESSION_ID={user.client.cookies['SESSION_ID']}",
    }
    async with (
        httpx.AsyncClient(base_url=server.url) as client,
        client.stream("GET", path, headers=headers) as response,
    ):
        raw = b"".join([part async for part in response.aiter_raw()])
        return httpx.Response(
            response.status_code, headers=list(response.headers.items()), extensions={"raw": raw}
        )


async def test_json_is_compressed_as_the_client_accepts(server: InProcessServer) -> None:
    """The data are the same; a cache reads what the response depends on."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    root = await ann.root(conversation_id, "some words " * 5_000)
    path = f"/api/threads/{root}/tree"
    plain = await _get(ann, server, path, "identity")
    zipped = await _get(ann, server, path, "gzip")
    brotlied = await _get(ann, server, path, "gzip, br")

    data = plain.extensions["raw"]
    assert "content-encoding" not in plain.headers
    assert zipped.headers["content-encoding"] == "gzip"
    assert brotlied.headers["content-encoding"] == "br"
    assert gzip.decompress(zipped.extensions["raw"]) == data
    assert brotli.decompress(brotlied.extensions["raw"]) == data
    assert len(zipped.extensions["raw"]) < len(data) / 10
    assert {r.headers["vary"] for r in (plain, zipped, brotlied)} == {"Accept-Encoding"}


async def test_short_and_secret_responses_are_not_compressed(server: InProcessServer) -> None:
    """A short one fits into a packet; lengths of secret ones would reveal them."""
    ann = await server.person("ann")
    for path in ("/healthz", "/api/auth/me", "/api/auth/sessions"):
        assert "content-encoding" not in (await _get(ann, server, path, "br")).headers


async def test_streams_are_never_compressed(server: InProcessServer) -> None:
    """Whatever the client accepts."""
    ann = await server.person("ann")
    conversation_id = await ann.conversation()
    ann.client.headers["Accept-Encoding"] = "br, gzip"
    async with ann.follow(conversation_id) as stream:
        assert "content-encoding" not in stream.response.headers


async def test_files_are_compressed_and_cached_by_their_content(server: InProcessServer) -> None:
    """Each encoding has an ETag of its own, by which 304 is answered."""
    tags = set()
    for accepted, decompress in (
        ("identity", bytes),
        ("gzip", lambda data: zlib.decompress(data, 31)),
        ("br", brotli.decompress),
    ):
        async with raw_connection(server.url) as connection:
            header = f"Accept-Encoding: {accepted}"
            await connection.send(request("GET", "/js/main.js", header))
            response = await connection.response()
            etag = response.header("etag") or ""
            await connection.send(request("GET", "/js/main.js", header, f"If-None-Match: {etag}"))
            again = await connection.response()
        tags.add(etag)
        assert b"The start of the page" in decompress(response.body)
        assert (again.status, again.body, again.header("vary")) == (304, b"", "Accept-Encoding")
        assert response.header("vary") == "Accept-Encoding"
    assert len(tags) == 3
