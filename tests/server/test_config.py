"""The server's settings, and which go together."""

from pathlib import Path

import pytest

from rustygpt_server.config import config_folder, data_folder, is_web_url, load_config
from rustygpt_shared.settings import Db, Settings
from rustygpt_shared.settings.load import SettingsError


def _mistakes(tmp_path: Path, text: str, **environ: str) -> list[str]:
    (tmp_path / "config.toml").write_text(text)
    variables = {"RUSTYGPT_CONFIG_DIR": str(tmp_path / "none"), **environ}
    try:
        load_config(variables, working_directory=tmp_path)
    except SettingsError as error:
        return error.errors
    return []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[server]\npublic_base_url = "chat.example.org"', "public_base_url"),
        ('[server]\npublic_base_url = "https://chat.example.org"', "cookie.secure"),
        ('[server]\ntrusted_proxies = ["10.0.0.0/8", "proxy"]', "'proxy'"),
        ('[llm.models.m]\nprovider = "nobody"', "'nobody'"),
        ('[llm.providers.p]\nkind = "openai"', "base_url is missing"),
        ('[llm.providers.p]\nkind = "openai"\nbase_url = "file:///etc"', "base_url has to be"),
        ('[llm.providers.p]\nkind = "openai"\nbase_url = "http://[bad"', "base_url has to be"),
    ],
)
def test_settings_that_do_not_go_together_are_named(tmp_path: Path, text: str, words: str) -> None:
    """Each by its name, before anything starts."""
    (mistake,) = _mistakes(tmp_path, text)

    assert words in mistake


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    """Nobody has to start again for each."""
    text = '[server]\npublic_base_url = "x"\ntrusted_proxies = ["y"]'

    assert len(_mistakes(tmp_path, text)) == 2


def test_production_wants_https(tmp_path: Path) -> None:
    """An https address goes with the secure cookies of that profile."""
    text = '[server]\npublic_base_url = "https://chat.example.org"'

    assert _mistakes(tmp_path, text, RUSTYGPT_PROFILE="prod") == []


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("http://127.0.0.1:11434/v1", True),
        ("https://api.example.org", True),
        ("https://[::1]:8443/", True),
        ("", False),
        ("//x", False),
        ("http://", False),
        ("ftp://x", False),
        ("http://u:p@x", False),
        ("http://x:99999", False),
        ("http://x y", False),
        ("http://x\r\ny", False),
    ],
)
def test_addresses_on_the_web_are_known(text: str, fits: bool) -> None:
    """With a host, without a user, of the two schemes."""
    assert is_web_url(text) is fits


def test_data_lie_where_settings_say(tmp_path: Path) -> None:
    """Then where the environment says."""
    named = Settings(db=Db(data_dir=str(tmp_path / "a")))

    assert data_folder(named, {"RUSTYGPT_DATA_DIR": "/elsewhere"}) == tmp_path / "a"
    assert data_folder(Settings(), {"RUSTYGPT_DATA_DIR": str(tmp_path)}) == tmp_path
    assert data_folder(Settings(), {}).is_absolute()
    assert config_folder({"RUSTYGPT_CONFIG_DIR": str(tmp_path)}) == tmp_path
