"""The terminal's settings."""

from pathlib import Path

import pytest

from rustygpt_tui.config import drafts_file, load_settings, session_file
from rustygpt_tui.errors import Exit, UsageError


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSTYGPT_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("RUSTYGPT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


def test_the_file_in_the_config_folder_is_read(tmp_path: Path) -> None:
    """Flags override it."""
    (tmp_path / "config").mkdir()
    file = tmp_path / "config" / "config.toml"
    file.write_text('[cli]\nserver = "http://127.0.0.1:1"\nsession_store = "/x/s"\n')
    loaded = load_settings()
    assert loaded.settings.cli.server == "http://127.0.0.1:1"
    assert session_file(loaded) == Path("/x/s")
    loaded = load_settings(flags={("cli", "server"): "http://127.0.0.1:2"})
    assert loaded.settings.cli.server == "http://127.0.0.1:2"


def test_files_are_in_their_folders(tmp_path: Path) -> None:
    """Sessions are in the config folder, drafts in the state folder."""
    assert session_file(load_settings()) == tmp_path / "config" / "session.cookies"
    assert drafts_file() == tmp_path / "state" / "drafts.sqlite"


def test_all_errors_are_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """As an error of usage."""
    monkeypatch.setenv("RUSTYGPT__SERVER__PORT", "many")
    monkeypatch.setenv("RUSTYGPT__TEA", "1")
    with pytest.raises(UsageError, match=r"server\.port.*; tea") as caught:
        load_settings()
    assert caught.value.exit_code == Exit.USAGE
