"""The static files of the web page."""

from pathlib import Path

import pytest
from tests.support.clients.raw_http import raw_connection, request
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_server.api.web_page import read_files
from rustygpt_shared.settings import Db, Llm, Settings, Web


def _folder(tmp_path: Path) -> Path:
    outside = tmp_path / "outside.txt"
    outside.write_text("secret")
    folder = tmp_path / "page"
    (folder / "js").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    (folder / "index.html").write_text("<p>page</p>")
    (folder / "js" / "main.js").write_text("1")
    (folder / ".env").write_text("secret")
    (folder / ".hidden" / "x.txt").write_text("secret")
    (folder / "link.txt").symlink_to(outside)
    (folder / "inside.txt").symlink_to(folder / "index.html")
    return folder


def test_only_files_inside_the_folder_are_read(tmp_path: Path) -> None:
    """Hidden files and links that lead out of the folder are not served."""
    files = read_files(_folder(tmp_path))

    assert sorted(files) == ["index.html", "inside.txt", "js/main.js"]
    assert files["js/main.js"].content_type == "text/javascript; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/../outside.txt",
        "/..%2foutside.txt",
        "/%2e%2e/outside.txt",
        "/js/../../outside.txt",
        "/js/..%5c..%5coutside.txt",
        "//etc/passwd",
        "/%2fetc%2fpasswd",
        "/.env",
        "/.hidden/x.txt",
        "/link.txt",
        "/js/main.js%00.txt",
        "/%00",
        "/%ff",
        "/js/",
    ],
)
async def test_no_path_reaches_a_file_outside_the_folder(
    start_server: StartServer, tmp_path: Path, path: str
) -> None:
    """Every spelling of a path is looked up only among the files that were read at the start."""
    settings = Settings(
        web=Web(static_dir=str(_folder(tmp_path))),
        llm=Llm(default_model="demo"),
        db=Db(max_connections=4),
    )
    async with start_server(settings=settings) as server:
        for accept in ("Accept: */*", "Accept: text/html"):
            async with raw_connection(server.url) as connection:
                await connection.send(request("GET", path, accept))
                response = await connection.response()
            assert b"secret" not in response.body
            assert b"root:" not in response.body
            assert response.status == (404 if "*" in accept else 200)


async def test_paths_of_the_page_get_the_index(server: InProcessServer) -> None:
    """Paths of the API and of well-known places return 404, also for a client that accepts HTML."""
    ann = await server.person("ann")
    html = {"Accept": "text/html,*/*"}
    response = await ann.client.get("/c/some-conversation", headers=html)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    for path in ("/api/nothing", "/api/", "/v1/nothing", "/.well-known/none"):
        assert (await ann.client.get(path, headers=html)).status_code == 404, path


async def test_head_returns_the_headers_of_get(server: InProcessServer) -> None:
    """A HEAD has the same length and ETag as a GET, without the body."""
    ann = await server.person("ann")
    get_response = await ann.client.get("/")
    head_response = await ann.client.head("/")

    assert head_response.content == b""
    assert head_response.headers["content-length"] == get_response.headers["content-length"]
    assert head_response.headers["etag"] == get_response.headers["etag"]
