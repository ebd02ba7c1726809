"""Sessions in memory and in the file."""

from pathlib import Path

from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile

ORIGIN = "http://127.0.0.1:8080"
FIRST = ["SESSION_ID=one; Max-Age=60", "CSRF-TOKEN=x; Max-Age=60"]
SECOND = ["SESSION_ID=two; Max-Age=60", "CSRF-TOKEN=y; Max-Age=60"]


def test_a_login_and_every_rotation_are_saved(tmp_path: Path) -> None:
    """The next terminal continues with the newest cookies."""
    file = SessionFile(tmp_path / "s")
    session = Session(ORIGIN, file=file)
    session.store_cookies(FIRST)
    assert file.find(ORIGIN) is None
    session.save_as_current("ada")
    session.store_cookies(SECOND)
    reopened = Session(ORIGIN + "/", file=file)
    assert (reopened.account, reopened.header(), reopened.csrf()) == (
        "ada",
        "SESSION_ID=two; CSRF-TOKEN=y",
        "y",
    )


def test_the_rotation_of_another_terminal_is_loaded(tmp_path: Path) -> None:
    """`reload` returns True when the file has different cookies."""
    file = SessionFile(tmp_path / "s")
    first = Session(ORIGIN, file=file)
    first.store_cookies(FIRST)
    first.save_as_current("ada")
    second = Session(ORIGIN, file=file)
    assert not second.reload()
    first.store_cookies(SECOND)
    assert second.reload()
    assert second.csrf() == "y"
    first.forget()
    assert second.reload()
    assert second.header() is None


def test_cookies_that_the_server_deletes_are_removed() -> None:
    """Empty and expired cookies are dropped; this needs no file."""
    session = Session(ORIGIN)
    session.store_cookies(FIRST)
    session.store_cookies(["SESSION_ID=; Max-Age=0", "CSRF-TOKEN=x; Max-Age=0", "nonsense"])
    assert session.header() is None
    assert session.csrf() is None


def test_a_session_is_selected_by_account(tmp_path: Path) -> None:
    """An account without a session is not signed in."""
    file = SessionFile(tmp_path / "s")
    for name, cookies in (("ada", FIRST), ("bob", SECOND)):
        session = Session(ORIGIN, file=file)
        session.detach()
        session.store_cookies(cookies)
        session.save_as_current(name)
    assert Session(ORIGIN, file=file).account == "bob"
    assert Session(ORIGIN, file=file, account="ada").csrf() == "x"
    assert Session(ORIGIN, file=file, account="eve").header() is None
    assert Session("https://other", file=file).header() is None


def test_a_file_that_cannot_be_written_is_reported_once(tmp_path: Path) -> None:
    """The session continues in memory, and an older one in the file does not replace it."""
    file = SessionFile(tmp_path / "s")
    first = Session(ORIGIN, file=file)
    first.store_cookies(FIRST)
    first.save_as_current("ada")
    (tmp_path / "s.lock").unlink()
    (tmp_path / "s.lock").mkdir()
    reports: list[str] = []
    session = Session(ORIGIN, file=file, on_unsaved=reports.append)
    session.store_cookies(SECOND)
    session.store_cookies(["SESSION_ID=three; Max-Age=60"])
    assert len(reports) == 1
    assert "cannot be saved" in reports[0]
    assert not session.reload()
    assert session.header() == "SESSION_ID=three; CSRF-TOKEN=y"
    (tmp_path / "s.lock").rmdir()
    session.store_cookies(SECOND)
    assert session.unsaved is None
    assert Session(ORIGIN, file=file).header() == session.header()
