"""The server's settings, and the rules between them."""

from pathlib import Path

import pytest

from rustygpt_server.config import config_folder, data_folder, is_web_url, load_config
from rustygpt_shared.settings import Db, Settings
from rustygpt_shared.settings.load import SettingsError


def _config_errors(tmp_path: Path, text: str, **environ: str) -> list[str]:
    """Return the errors of a configuration file; keyword arguments are environment variables."""
    (tmp_path / "config.toml").write_text(text)
    variables = {"RUSTYGPT_CONFIG_DIR": str(tmp_path / "none"), **environ}
    try:
        load_config(variables, working_directory=tmp_path)
    except SettingsError as error:
        return error.errors
    return []


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_inconsistent_settings_are_named(tmp_path: Path, text: str, expected: str) -> None:
    """The error names the setting or the wrong value before anything starts."""
    (error,) = _config_errors(tmp_path, text)

    assert expected in error


def test_all_errors_are_reported_together(tmp_path: Path) -> None:
    """A configuration with two errors reports both."""
    text = '[server]\npublic_base_url = "x"\ntrusted_proxies = ["y"]'

    assert len(_config_errors(tmp_path, text)) == 2


def test_production_accepts_an_https_address(tmp_path: Path) -> None:
    """An https address fits the secure cookies of the production profile."""
    text = '[server]\npublic_base_url = "https://chat.example.org"'

    assert _config_errors(tmp_path, text, RUSTYGPT_PROFILE="prod") == []


@pytest.mark.parametrize(
    ("text", "is_valid"),
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
def test_web_urls_are_recognized(text: str, is_valid: bool) -> None:
    """A web URL is HTTP or HTTPS, has a host, and has no user."""
    assert is_web_url(text) is is_valid


def test_the_data_folder_is_configurable(tmp_path: Path) -> None:
    """The setting comes first, then the environment variable, then the default."""
    settings = Settings(db=Db(data_dir=str(tmp_path / "a")))

    assert data_folder(settings, {"RUSTYGPT_DATA_DIR": "/elsewhere"}) == tmp_path / "a"
    assert data_folder(Settings(), {"RUSTYGPT_DATA_DIR": str(tmp_path)}) == tmp_path
    assert data_folder(Settings(), {}).is_absolute()
    assert config_folder({"RUSTYGPT_CONFIG_DIR": str(tmp_path)}) == tmp_path
