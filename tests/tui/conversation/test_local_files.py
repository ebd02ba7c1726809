"""Paths as users type, paste and drop them."""

from pathlib import Path

import pytest

from rustygpt_tui.conversation.local_files import MAX_PATH, completed, pasted_file, typed_path


def test_typed_paths_are_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`~` is the home folder; an unknown user is a name."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert typed_path(" ~/a ") == tmp_path / "a"
    assert typed_path("a") == tmp_path / "a"
    assert typed_path("~nobody-has-this-name/a") == tmp_path / "~nobody-has-this-name/a"


def test_names_are_completed_as_far_as_they_are_unique(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Folders get a slash; hidden files only after a dot; what is unknown stays."""
    for name in ("notes-1.md", "notes-2.md", ".hidden"):
        (tmp_path / name).touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    assert completed("n") == "notes-"
    assert completed("notes-1") == "notes-1.md"
    assert completed("~/fo") == "~/folder/"
    assert completed(f"{tmp_path}/.h") == f"{tmp_path}/.hidden"
    assert completed("unknown/x") == "unknown/x"
    assert completed("zzz") == "zzz"


def test_a_pasted_path_of_a_file_is_recognised(tmp_path: Path) -> None:
    """As it is, quoted, escaped or as an address; never a part of a text, and no folder."""
    file = tmp_path / "my notes.md"
    file.touch()
    escaped = str(file).replace(" ", "\\ ")
    address = file.as_uri()

    for text in (str(file), f"'{file}' ", escaped, address, f"{file}\n"):
        assert pasted_file(text) == file, text
    for text in (
        f"see {file}",
        str(tmp_path),
        "my notes.md",
        "",
        "/" * MAX_PATH + "x",
        "/a\0b",
        "'/",
    ):
        assert pasted_file(text) is None, text
    assert pasted_file(f"{file}\n{file}") is None
