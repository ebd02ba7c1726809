"""Sessions in memory and file."""

from pathlib import Path

from rustygpt_tui.client.session import Session
from rustygpt_tui.client.session_file import SessionFile

ORIGIN = "http://127.0.0.1:8080"
FIRST = ["SESSION_ID=one; Max-Age=60", "CSRF-TOKEN=x; Max-Age=60"]
SECOND = ["SESSION_ID=two; Max-Age=60", "CSRF-TOKEN=y; Max-Age=60"]


def test_a_login_is_kept_and_every_rotation_after_it(tmp_path: Path) -> None:
    """The next terminal goes on from the newest cookies."""
    file = SessionFile(tmp_path / "s")
    session = Session(ORIGIN, file=file)
    session.store_cookies(FIRST)
    assert file.find(ORIGIN) is None
    session.save_as_current("ada")
    session.store_cookies(SECOND)
    again = Session(ORIGIN + "/", file=file)
    assert (again.account, again.header(), again.csrf()) == (
        "ada",
        "SESSION_ID=two; CSRF-TOKEN=y",
        "y",
    )


def test_another_terminals_rotation_is_seen(tmp_path: Path) -> None:
    """`reload` tells whether the file has something else."""
    file = SessionFile(tmp_path / "s")
    one = Session(ORIGIN, file=file)
    one.store_cookies(FIRST)
    one.save_as_current("ada")
    other = Session(ORIGIN, file=file)
    assert not other.reload()
    one.store_cookies(SECOND)
    assert other.reload()
    assert other.csrf() == "y"
    one.forget()
    assert other.reload()
    assert other.header() is None


def test_cookies_that_a_server_takes_away_are_gone() -> None:
    """An empty or expired one is dropped; without a file all of it is memory."""
    session = Session(ORIGIN)
    session.store_cookies(FIRST)
    session.store_cookies(["SESSION_ID=; Max-Age=0", "CSRF-TOKEN=x; Max-Age=0", "nonsense"])
    assert session.header() is None
    assert session.csrf() is None


def test_a_chosen_account_is_taken(tmp_path: Path) -> None:
    """`account` chooses; one without a session is signed in nowhere."""
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
