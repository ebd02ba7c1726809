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


@pytest.mark.parametrize(
    "url",
    [
        "mysql://x",
        "postgresql+asyncpg://u:p@127.0.0.1/d",
        "postgresql://u:p@127.0.0.1:18150x/d",
        "postgresql://u:p@127.0.0.1/d?channel_binding=prefer",
    ],
)
def test_both_commands_refuse_the_address_of_an_unusable_database(url: str) -> None:
    """`config check` and `serve` print the same sentence, and end with 2."""
    checked, served = (
        _run(*words, DATABASE_URL=url) for words in (("config", "check"), ("serve",))
    )

    assert (checked.exit_code, served.exit_code) == (2, 2)
    assert checked.output == served.output
    assert checked.output.startswith("The configuration cannot be used: db.url ")
    assert checked.output.count("\n") == 1


def test_a_supervised_server_reports_settings_that_cannot_be_used() -> None:
    """The terminal that started it shows the sentence, not that the server ended."""
    result = _run("serve", "--supervised", DATABASE_URL="mysql://x")

    assert "db.url has to start with" in json.loads(result.stdout)["failed"]


def test_config_check_warns_of_secrets_that_others_may_read(tmp_path: Path) -> None:
    """One sentence with the file and the names; none for a private file or one without secrets."""
    file = tmp_path / "config.toml"
    file.write_text('[db]\nurl = "postgresql://u:canary@127.0.0.1/x"\n')
    outputs = []
    for mode in (0o644, 0o640, 0o600):
        file.chmod(mode)
        outputs.append(_run("config", "check").output)
    file.write_text("[server]\nport = 9000\n")
    file.chmod(0o644)
    outputs.append(_run("config", "check", DATABASE_URL="postgresql://u@127.0.0.1/x").output)

    assert ["Warning:" in output for output in outputs] == [True, True, False, False]
    assert "db.url" in outputs[0]
    assert f"chmod 600 {file}" in outputs[0]
    assert "canary" not in "".join(outputs)


def test_an_unusable_address_is_reported_beside_other_errors() -> None:
    """One message has all of them."""
    result = _run("config", "check", DATABASE_URL="mysql://x", RUSTYGPT__SERVER__PORT="many")

    assert result.exit_code == 2
    assert "server.port" in result.output
    assert "db.url has to start with" in result.output


def test_config_init_writes_a_file_once(tmp_path: Path) -> None:
    """Only its owner may read it; the next time it is refused, whatever its format is."""
    folder = tmp_path / "new" / "folder"
    created = _run("config", "init", RUSTYGPT_CONFIG_DIR=str(folder))
    file = folder / "config.toml"

    assert created.exit_code == 0, created.output
    assert str(file) in created.output
    assert file.stat().st_mode & 0o777 == 0o600
    file.rename(folder / "config.yaml")
    again = _run("config", "init", RUSTYGPT_CONFIG_DIR=str(folder))
    assert again.exit_code == 1
    assert "File exists" in again.output
    assert "config.yaml" in again.output
    assert not file.exists()


def test_config_init_takes_a_path(tmp_path: Path) -> None:
    """A file, which is not overwritten either, or `-` for standard output."""
    (tmp_path / "mine.toml").write_text("# mine")

    assert _run("config", "init", "mine.toml").exit_code == 1
    assert (tmp_path / "mine.toml").read_text() == "# mine"
    assert _run("config", "init", "other.toml").exit_code == 0
    assert _run("config", "init", "-").output == (tmp_path / "other.toml").read_text()
    assert _run("config", "check", "--config", "other.toml").exit_code == 0


def test_config_schema_prints_json() -> None:
    """For editors, which complete and check the settings file with it."""
    assert json.loads(_run("config", "schema").output)["$defs"]["Server"]["properties"]["port"]
