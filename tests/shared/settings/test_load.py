"""Loading settings: sources override each other, and every value has a source."""

from pathlib import Path

import pytest

from rustygpt_shared.settings.load import SettingsError, load, walk


def _write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text, "utf-8")
    return file


def test_later_sources_override_earlier_ones(tmp_path: Path) -> None:
    """The order is profile, file, environment, flags; the source of each value is kept."""
    file = _write(
        tmp_path, "config.toml", "[server]\nhost = '::1'\nport = 1\nbody_limit_bytes = 9\n"
    )
    environ = {"RUSTYGPT_PROFILE": "prod", "RUSTYGPT__SERVER__PORT": "2"}
    environ["RUSTYGPT__SERVER__BODY_LIMIT_BYTES"] = "8"

    loaded = load(environ, config=file, flags={("server", "body_limit_bytes"): 7})

    server = loaded.settings.server
    assert (server.host, server.port, server.body_limit_bytes) == ("::1", 2, 7)
    assert loaded.settings.security.cookie.secure
    assert loaded.sources["server", "port"] == "environment"
    assert loaded.sources["server", "body_limit_bytes"] == "flag"
    assert loaded.sources["server", "host"] == f"file {file}"
    assert loaded.sources["security", "cookie", "secure"] == "profile prod"


def test_all_errors_are_reported_at_once(tmp_path: Path) -> None:
    """Every unknown key and every bad value is listed with its source."""
    file = _write(tmp_path, "config.yaml", "server: {port: many}\nnothing: {here: 1}\n")
    environ = {"RUSTYGPT__SSE__HEARTBEAT_SECONDS": "0", "RUSTYGPT__SERVER__PROT": "1"}

    with pytest.raises(SettingsError) as caught:
        load(environ, config=file)

    report = "\n".join(caught.value.errors)
    assert f"server.port (file {file})" in report
    assert f"nothing (file {file}) is not a setting" in report or "nothing.here" in report
    assert "sse.heartbeat_seconds (environment)" in report
    assert "server.prot (environment) is not a setting" in report


def test_an_entry_without_a_required_key_is_named(tmp_path: Path) -> None:
    """Each of several."""
    file = _write(
        tmp_path,
        "config.toml",
        "[llm.models.x]\ncontext_tokens = 300\n[llm.models.y]\nname = 'z'\n",
    )
    with pytest.raises(SettingsError) as caught:
        load({}, config=file)
    assert caught.value.errors == [
        "llm.models.x needs the key `provider`",
        "llm.models.y needs the key `provider`",
    ]


def test_lists_and_tables_can_come_from_the_environment() -> None:
    """A list is comma-separated or JSON; names under providers and models are free."""
    environ = {
        "RUSTYGPT__SERVER__TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2",
        "RUSTYGPT__LLM__PROVIDERS__BOX__KIND": "openai",
        "RUSTYGPT__LLM__PROVIDERS__BOX__HEADERS": '{"x-a": "1"}',
    }

    settings = load(environ).settings

    assert settings.server.trusted_proxies == ["10.0.0.1", "10.0.0.2"]
    assert settings.llm.providers["box"].kind == "openai"
    assert settings.llm.providers["box"].headers == {"x-a": "1"}


def test_database_url_is_a_short_name() -> None:
    """DATABASE_URL sets `db.url`, as in other programs."""
    assert load({"DATABASE_URL": "postgresql://x"}).settings.db.url == "postgresql://x"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("DATABASE_URL_FILE", "db.url"),
        ("RUSTYGPT__DB__URL_FILE", "db.url"),
        ("RUSTYGPT__SERVER__METRICS_TOKEN_FILE", "server.metrics_token"),
        ("RUSTYGPT__LLM__PROVIDERS__BOX__API_KEY_FILE", "llm.providers.box.api_key"),
    ],
)
def test_a_secret_may_come_from_a_file(tmp_path: Path, name: str, key: str) -> None:
    """The variable holds the file's path; the line's end that editors add is no part of it."""
    file = tmp_path / "secret"
    file.write_text("postgresql://x\n")

    settings = load({name: str(file), "RUSTYGPT__LLM__PROVIDERS__BOX__KIND": "demo"}).settings

    assert dict(walk(settings))[tuple(key.split("."))] == "postgresql://x"


def test_a_secret_file_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    """A missing file, a large one, one for a setting that is no secret, and both forms at once."""
    large = tmp_path / "large"
    large.write_text("x" * 65_537)
    (tmp_path / "both").write_text("x")
    with pytest.raises(SettingsError) as raised:
        load(
            {
                "RUSTYGPT__DB__OWNER_URL_FILE": str(tmp_path / "none"),
                "RUSTYGPT__SERVER__METRICS_TOKEN_FILE": str(large),
                "RUSTYGPT__SERVER__HOST_FILE": str(large),
                "DATABASE_URL": "x",
                "DATABASE_URL_FILE": str(tmp_path / "both"),
            }
        )

    errors = "\n".join(raised.value.errors)
    assert len(raised.value.errors) == 4
    assert "none cannot be read: No such file or directory" in errors
    assert "larger than 65,536 bytes" in errors
    assert "server.host_file (environment) is not a setting" in errors
    assert "DATABASE_URL and DATABASE_URL_FILE are both set" in errors


@pytest.mark.parametrize(
    ("name", "text"),
    [("c.toml", "server = ["), ("c.json", "{"), ("c.yaml", "- 1"), ("c.yml", "server: [}")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, text: str) -> None:
    """A broken file is an error with the file's name, never a traceback."""
    file = _write(tmp_path, name, text)

    with pytest.raises(SettingsError, match=name):
        load({}, config=file)


def test_the_first_folder_with_a_file_wins(tmp_path: Path) -> None:
    """The working directory comes before the user's folder."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    _write(tmp_path / "b", "config.json", '{"server": {"port": 3}}')

    loaded = load({}, folders=(tmp_path / "a", tmp_path / "b"))

    assert loaded.settings.server.port == 3
    assert loaded.file == tmp_path / "b" / "config.json"


def test_walking_lists_every_setting() -> None:
    """Each setting occurs once, with its value."""
    leaves = dict(walk(load({}).settings))

    assert leaves["server", "port"] == 8080
    assert leaves["security", "csrf", "enabled"] is True
