"""The server's own commands."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rustygpt_server.cli import config, serve


def _run(*words: str, **environ: str) -> Result:
    command = {"config": config, "serve": serve}[words[0]]
    return CliRunner().invoke(command, words[1:], env=environ)


@pytest.fixture(autouse=True)
def _nothing_around(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "RUSTYGPT_CONFIG", "RUSTYGPT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("RUSTYGPT_CONFIG_DIR", str(tmp_path))


def test_every_setting_is_shown_with_its_source() -> None:
    """As text, or as JSON for programs."""
    shown = _run("config", "show", "--json", RUSTYGPT__SERVER__PORT="9000")
    told = json.loads(shown.output)

    assert told["server.port"]["value"] == 9000
    assert told["server.port"]["source"] != "default"
    assert told["server.host"] == {"value": "127.0.0.1", "source": "default"}
    assert "server.port" in _run("config", "show").output


def test_secrets_are_not_shown(tmp_path: Path) -> None:
    """Neither of the database nor of providers, in either form."""
    file = tmp_path / "config.toml"
    file.write_text(
        '[llm.providers.p]\nkind = "openai"\nbase_url = "http://127.0.0.1:1/v1"\n'
        'api_key = "canary"\nheaders = {"X-Key" = "canary"}\n'
    )
    for words in (("show",), ("show", "--json")):
        shown = _run("config", *words, DATABASE_URL="postgresql://u:canary@127.0.0.1/x")
        assert shown.exit_code == 0
        assert "canary" not in shown.output
        assert "***" in shown.output


def test_a_configuration_is_checked() -> None:
    """All its mistakes are told, with exit code 2."""
    assert _run("config", "check").exit_code == 0
    bad = _run("config", "check", RUSTYGPT__SERVER__PORT="many", RUSTYGPT__SERVER__NO_SUCH="1")

    assert bad.exit_code == 2
    assert "port" in bad.output
    assert "no_such" in bad.output.lower()


def test_a_server_does_not_start_with_a_bad_configuration() -> None:
    """And says why."""
    told = _run("serve", RUSTYGPT__SSE__HEARTBEAT_SECONDS="0")

    assert told.exit_code == 2
    assert "heartbeat_seconds" in told.output
