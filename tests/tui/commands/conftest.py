"""Fixtures for commands: a fake server, private folders, and a session."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse, fake_http_server
from tests.support.sample_models import cookies

from rustygpt_shared.models.users import SetupStatus
from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The program's folders, inside the test's temporary folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUSTYGPT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("RUSTYGPT_STATE_DIR", str(tmp_path / "state"))
    for name in ("RUSTYGPT_CONFIG", "RUSTYGPT_PROFILE", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeHttpServer]:
    """A fake server, which is the one in the settings."""
    async with fake_http_server() as running:
        monkeypatch.setenv("RUSTYGPT__CLI__SERVER", running.origin)
        yield running


@pytest.fixture
def signed_in(server: FakeHttpServer, folders: Path) -> FakeHttpServer:
    """The fake server, with Ada signed in."""
    session = Session(server.origin, file=SessionFile(folders / "config" / "session.cookies"))
    session.store_cookies([value for _, value in cookies(1)])
    session.save_as_current("ada")
    server.on("GET", "/api/setup", FakeResponse(body=SetupStatus(True, "closed")))
    return server
