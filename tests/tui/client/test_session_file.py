"""The file that keeps sessions."""

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
    """A session with one cookie."""
    return SavedSession(origin, account, [Cookie("SESSION_ID", value)])


@pytest.fixture
def file(tmp_path: Path) -> SessionFile:
    """A session file in a folder that is not there yet."""
    return SessionFile(tmp_path / "config" / "session.cookies")


def test_sessions_are_kept_by_server_and_account(file: SessionFile) -> None:
    """Several side by side; without an account the last sign-in counts."""
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


def test_file_and_folder_are_for_their_owner_only(file: SessionFile) -> None:
    """Whatever the umask is."""
    before = os.umask(0)
    try:
        file.save(saved())
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700
    assert {p.name for p in file.path.parent.iterdir()} == {
        "session.cookies",
        "session.cookies.lock",
    }


def test_a_file_that_others_may_read_is_refused(file: SessionFile) -> None:
    """With the command that helps."""
    file.save(saved())
    file.path.chmod(0o640)
    with pytest.raises(UsageError, match="chmod 600"):
        file.find(ORIGIN)


def test_a_file_of_another_user_is_refused(file: SessionFile) -> None:
    """Somebody else may have put a session of theirs there."""
    if os.geteuid() == 0:
        file.save(saved())
        os.chown(file.path, 12_345, -1)
    else:
        file = SessionFile(Path("/etc/passwd"))
    with pytest.raises(UsageError, match="not a file of yours"):
        file.find(ORIGIN)


def test_a_link_is_neither_read_nor_written_through(file: SessionFile, tmp_path: Path) -> None:
    """Reading refuses it, and so does writing; what it points at stays as it was."""
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
def test_a_damaged_file_is_told_as_such(file: SessionFile, text: str) -> None:
    """Not as a crash, and not as nobody being signed in."""
    file.path.parent.mkdir()
    file.path.write_text(text)
    file.path.chmod(0o600)
    with pytest.raises(UsageError, match="damaged"):
        file.find(ORIGIN)


def test_writers_side_by_side_lose_nothing(file: SessionFile) -> None:
    """Each change is made under the lock."""

    def write(number: int) -> None:
        for turn in range(10):
            file.save(saved(f"user{number}", str(turn)))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(file.accounts(ORIGIN)) == [f"user{n}" for n in range(6)]


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """With another place to name."""
    (tmp_path / "taken").write_text("")
    with pytest.raises(UsageError, match="session_store"):
        SessionFile(tmp_path / "taken" / "session.cookies").save(saved())
