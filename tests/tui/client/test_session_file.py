"""The session file."""

import os
import stat
import threading
from pathlib import Path

import pytest

from rustygpt_tui.client.cookies import Cookie
from rustygpt_tui.client.session_file import SavedSession, SessionFile
from rustygpt_tui.errors import UsageError

ORIGIN = "http://127.0.0.1:8080"


def saved(account: str = "ada", value: str = "1", origin: str = ORIGIN) -> SavedSession:
    """Return a session with one cookie."""
    return SavedSession(origin, account, [Cookie("SESSION_ID", value)])


@pytest.fixture
def file(tmp_path: Path) -> SessionFile:
    """A session file in a folder that does not exist yet."""
    return SessionFile(tmp_path / "config" / "session.cookies")


def test_sessions_are_saved_by_server_and_account(file: SessionFile) -> None:
    """Without an account, the one that signed in last is returned."""
    file.save(saved("ada"), current=True)
    file.save(saved("bob"), current=True)
    file.save(saved("eve", origin="https://other"))
    file.save(saved("ada", "2"))
    assert file.find(ORIGIN) == saved("bob")
    assert file.find(ORIGIN, "ada") == saved("ada", "2")
    assert file.find("https://other") == saved("eve", origin="https://other")
    assert file.find(ORIGIN, "eve") is None
    assert sorted(file.accounts(ORIGIN)) == ["ada", "bob"]
    file.forget(ORIGIN, "bob")
    file.forget(ORIGIN, "nobody")
    assert file.find(ORIGIN) == saved("ada", "2")


def test_only_the_owner_can_read_file_and_folder(file: SessionFile) -> None:
    """With any umask."""
    umask = os.umask(0)
    try:
        file.save(saved())
    finally:
        os.umask(umask)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert {p.name for p in file.path.parent.iterdir()} == {
        "session.cookies",
        "session.cookies.lock",
    }


def test_a_file_that_others_can_read_is_rejected(file: SessionFile) -> None:
    """The error names the command that helps."""
    file.save(saved())
    file.path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        file.find(ORIGIN)


def test_a_file_of_another_user_is_rejected(file: SessionFile) -> None:
    """The other user may have put their own session there."""
    if os.geteuid() == 0:
        file.save(saved())
        os.chown(file.path, 12_345, -1)
    else:
        file = SessionFile(Path("/etc/passwd"))
    with pytest.raises(UsageError, match="not a file of yours"):
        file.find(ORIGIN)


def test_a_symbolic_link_is_neither_read_nor_written(file: SessionFile, tmp_path: Path) -> None:
    """Both are errors, and the target of the link does not change."""
    target = tmp_path / "target"
    target.write_text("{}")
    target.chmod(0o600)
    file.path.parent.mkdir()
    file.path.symlink_to(target)
    with pytest.raises(UsageError, match="cannot be opened"):
        file.find(ORIGIN)
    with pytest.raises(UsageError):
        file.save(saved())
    assert target.read_text() == "{}"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"sessions": 1}', "\x00"])
def test_a_damaged_file_is_reported(file: SessionFile, text: str) -> None:
    """It neither crashes nor counts as not signed in."""
    file.path.parent.mkdir()
    file.path.write_text(text)
    file.path.chmod(0o600)
    with pytest.raises(UsageError, match="damaged"):
        file.find(ORIGIN)


def test_concurrent_writers_lose_nothing(file: SessionFile) -> None:
    """Each change is made under the lock."""

    def write(number: int) -> None:
        for value in range(10):
            file.save(saved(f"user{number}", str(value)))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(file.accounts(ORIGIN)) == [f"user{n}" for n in range(6)]


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    """The error names the setting for another file."""
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="session_store"):
        SessionFile(tmp_path / "file" / "session.cookies").save(saved())
