"""The commands of the server's command line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rustygpt_server.cli import config, serve


def _run(*arguments: str, **environ: str) -> Result:
    """Run a command in this process; keyword arguments are environment variables."""
    command = {"config": config, "serve": serve}[arguments[0]]
    return CliRunner().invoke(command, arguments[1:], env=environ)


@pytest.fixture(autouse=True)
def _isolated_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test in an empty folder, without settings from the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "RUSTYGPT_CONFIG", "RUSTYGPT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RUSTYGPT_CONFIG_DIR", str(tmp_path))


def test_every_setting_is_shown_with_its_source() -> None:
    """`config show` prints text, or JSON for programs."""
    result = _run("config", "show", "--json", RUSTYGPT__SERVER__PORT="9000")
    settings = json.loads(result.output)

    assert settings["server.port"]["value"] == 9000
    assert settings["server.port"]["source"] != "default"
    assert settings["server.host"] == {"value": "127.0.0.1", "source": "default"}
    assert "server.port" in _run("config", "show").output


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """Passwords of the database and keys of providers are masked in both formats."""
    file = tmp_path / "config.toml"
    file.write_text(
        '[llm.providers.p]\nkind = "openai"\nbase_url = "http://127.0.0.1:1/v1"\n'
        'api_key = "canary"\nheaders = {"X-Key" = "canary"}\n'
    )
    for arguments in (("show",), ("show", "--json")):
        result = _run("config", *arguments, DATABASE_URL="postgresql://u:canary@127.0.0.1/x")
        assert result.exit_code == 0
        assert "canary" not in result.output
        assert "***" in result.output


def test_config_check_reports_all_errors() -> None:
    """Invalid settings end with exit code 2."""
    assert _run("config", "check").exit_code == 0
    result = _run("config", "check", RUSTYGPT__SERVER__PORT="many", RUSTYGPT__SERVER__NO_SUCH="1")

    assert result.exit_code == 2
    assert "port" in result.output
    assert "no_such" in result.output.lower()


def test_a_server_does_not_start_with_invalid_settings() -> None:
    """The output names the setting."""
    result = _run("serve", RUSTYGPT__SSE__HEARTBEAT_SECONDS="0")

    assert result.exit_code == 2
    assert "heartbeat_seconds" in result.output
