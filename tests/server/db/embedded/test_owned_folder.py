"""Files in a folder of another user: no link leads a read or a write elsewhere."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from rustygpt_server.db.embedded.owned_folder import (
    EmbeddedError,
    OwnedFolder,
    Owner,
    create_folder,
)

ME = Owner(os.geteuid(), os.getegid(), switch=False)
SECRET = "a secret of ours"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty folder."""
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A file of ours elsewhere, which has to stay as it is."""
    file = tmp_path / "ours"
    file.write_text(SECRET)
    file.chmod(0o640)
    return file


def _write(folder: OwnedFolder) -> None:
    folder.write_text("file", "hostile")


def _lock(folder: OwnedFolder) -> None:
    with folder.opened_file("file") as handle:
        os.write(handle, b"hostile")


@pytest.mark.parametrize("name", ["file", "file.partial"])
@pytest.mark.parametrize("act", [_write, _lock])
@pytest.mark.parametrize("is_dangling", [False, True])
def test_nothing_is_written_through_a_link(
    home: Path, ours: Path, name: str, act: Callable[[OwnedFolder], None], is_dangling: bool
) -> None:
    """The link is replaced, or refused; what it leads to is neither changed nor created."""
    target = ours.with_name("new") if is_dangling else ours
    (home / name).symlink_to(target)
    with suppress(EmbeddedError):
        act(OwnedFolder(home, ME))

    assert (ours.read_text(), stat.S_IMODE(ours.stat().st_mode)) == (SECRET, 0o640)
    assert not ours.with_name("new").exists()


def test_nothing_is_read_through_a_link(home: Path, ours: Path) -> None:
    """Its text could reach an error message, or a log."""
    (home / "file").symlink_to(ours)
    folder = OwnedFolder(home, ME)

    assert not folder.has("file")
    with pytest.raises(EmbeddedError, match="is a link"):
        folder.read_text("file")


def test_a_folder_that_is_a_link_is_refused(home: Path, tmp_path: Path) -> None:
    """Whatever is done in it."""
    link = tmp_path / "link"
    link.symlink_to(home)
    folder = OwnedFolder(link, ME)
    for act in (_write, _lock, lambda f: f.read_text("x"), lambda f: f.remove("x")):
        with pytest.raises(EmbeddedError, match="is a link"):
            act(folder)
    assert list(home.iterdir()) == []


def test_a_folder_of_another_user_is_refused(home: Path) -> None:
    """Its owner may be about to replace it."""
    other = Owner(ME.uid + 1, ME.gid, switch=False)
    with pytest.raises(EmbeddedError, match="does not belong"):
        OwnedFolder(home, other).write_text("file", "x")


def test_a_named_pipe_is_refused_at_once(home: Path) -> None:
    """Opening one would wait for ever."""
    os.mkfifo(home / "file")
    folder = OwnedFolder(home, ME)
    for act in (_lock, lambda f: f.read_text("file")):
        with pytest.raises(EmbeddedError, match="is no file"):
            act(folder)


def test_a_link_is_removed_and_not_what_it_leads_to(home: Path, ours: Path) -> None:
    """Also within a folder that is removed."""
    (home / "file").symlink_to(ours)
    (home / "folder").mkdir()
    (home / "folder" / "link").symlink_to(ours.parent)
    folder = OwnedFolder(home, ME)
    for name in ("file", "folder", "nothing"):
        folder.remove(name)

    assert list(home.iterdir()) == []
    assert ours.read_text() == SECRET


def test_files_are_private_and_replaced_as_a_whole(home: Path) -> None:
    """The second text takes the place of the first; there is never a half of one."""
    folder = OwnedFolder(home, ME)
    assert folder.read_text("file") is None
    folder.write_text("file", "a longer first text")
    folder.write_text("file", "second")
    folder.rename("file", "renamed")

    assert folder.read_text("renamed") == "second"
    assert stat.S_IMODE((home / "renamed").stat().st_mode) == 0o600
    assert [file.name for file in home.iterdir()] == ["renamed"]


def test_programs_are_copied_with_their_links_and_modes(home: Path, tmp_path: Path) -> None:
    """Others may read them; names that are ignored are left out."""
    source = tmp_path / "source"
    (source / "bin").mkdir(parents=True)
    (source / "include").mkdir()
    (source / "bin" / "program").write_bytes(b"#!")
    (source / "bin" / "program").chmod(0o700)
    (source / "bin" / "data").write_bytes(b"x")
    (source / "bin" / "link").symlink_to("program")
    folder = OwnedFolder(home, ME)
    folder.copy_trees({"a/b": source, "a/c": source / "bin"}, "copy", frozenset({"include"}))
    copied = home / "copy" / "a" / "b" / "bin"

    assert sorted(p.name for p in (home / "copy" / "a" / "b").iterdir()) == ["bin"]
    assert stat.S_IMODE((copied / "program").stat().st_mode) == 0o755
    assert stat.S_IMODE((copied / "data").stat().st_mode) == 0o644
    assert (copied / "link").readlink() == Path("program")
    assert (home / "copy" / "a" / "c" / "data").read_bytes() == b"x"


def test_a_copy_does_not_follow_a_link(home: Path, tmp_path: Path, ours: Path) -> None:
    """A folder of the copy that is a link already is refused."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "ours").write_text("hostile")
    (home / "copy").symlink_to(ours.parent)
    with pytest.raises((EmbeddedError, OSError)):
        OwnedFolder(home, ME).copy_trees({"a": source}, "copy", frozenset())

    assert ours.read_text() == SECRET


def test_a_new_folder_is_private_and_an_existing_one_stays(home: Path) -> None:
    """Also when it has files."""
    created = home / "new"
    create_folder(created, ME)
    (created / "file").write_text("x")
    create_folder(created, ME)

    assert stat.S_IMODE(created.stat().st_mode) == 0o700
    assert [file.name for file in home.iterdir()] == ["new"]
    assert (created / "file").read_text() == "x"


def test_root_gives_new_files_and_folders_to_the_owner(tmp_path: Path) -> None:
    """Without root they are one's own."""
    owner = Owner(65_534, 65_534, switch=True) if os.geteuid() == 0 else ME
    home = tmp_path / "home"
    create_folder(home, owner)
    folder = OwnedFolder(home, owner)
    folder.write_text("file", "x")
    with folder.opened_file("lock"):
        pass

    assert {p.stat().st_uid for p in (home, home / "file", home / "lock")} == {owner.uid}
