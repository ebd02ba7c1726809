"""The server's settings, and the rules between them."""

from pathlib import Path

import pytest
from asyncpg.connect_utils import _parse_connect_dsn_and_args

from rustygpt_server.config import config_folder, data_folder, is_web_url, load_config
from rustygpt_shared.settings import Db, Settings
from rustygpt_shared.settings.load import SettingsError

DRIVER_ARGUMENTS = (
    *("host", "port", "user", "password", "passfile", "database", "ssl", "service"),
    *("servicefile", "direct_tls", "server_settings", "target_session_attrs"),
    *("krbsrvname", "gsslib"),
)


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
        ('[server]\nallowed_hosts = ["https://example.org"]', "not a host"),
        ('[server.cors]\nallowed_origins = ["example.org"]', "not an origin"),
        ('[server.cors]\nallowed_origins = ["https://example.org/"]', "not an origin"),
        ('[server.cors]\nallowed_origins = ["*"]\nallow_credentials = true', "cannot be true"),
        ('[well_known]\ncontact = "me"', "well_known.contact"),
        ('[[well_known.entries]]\npath = "../x"\nbody = "x"', "'../x' is not a path"),
        (
            '[well_known]\nentries = [{path = "a", body = "x"}, {path = "a", body = "y"}]',
            "more than once",
        ),
        (
            '[[well_known.entries]]\npath = "x"\nbody = ""\ncontent_type = "a/b\\r\\nX: y"',
            "not a media type",
        ),
        ('[llm.models.m]\nprovider = "nobody"', "'nobody'"),
        ('[llm.providers.p]\nkind = "openai"', "base_url is missing"),
        ('[llm.providers.p]\nkind = "openai"\nbase_url = "file:///etc"', "base_url has to be"),
        ('[llm.providers.p]\nkind = "openai"\nbase_url = "http://[bad"', "base_url has to be"),
        *(
            (f'[llm.providers.p]\nkind = "openai"\nbase_url = "http://{host}/v1"', "does not exist")
            for host in ("256.256.256.256", "[v1.x]", "①⑥⑨.254.169.254")
        ),
        ('[llm.providers.p]\nkind = "llama"', "path is missing; it names a GGUF file"),
        (
            '[llm.providers.p]\nkind = "openai"\nbase_url = "http://0xa9fea9fe/v1"',
            "base_url is the metadata service of a cloud",
        ),
    ],
)
def test_inconsistent_settings_are_named(tmp_path: Path, text: str, expected: str) -> None:
    """The error names the setting or the wrong value before anything starts."""
    (error,) = _config_errors(tmp_path, text)

    assert expected in error


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[oauth.oidc]\nclient_id = "x"', "oauth.oidc needs server.public_base_url"),
        ('[oauth.oidc]\nclient_id = "x"', "oauth.oidc.issuer is missing"),
        (
            '[oauth.oidc]\nclient_id = "x"\nissuer = "http://login.example.org"',
            "has to be an https",
        ),
        ('[oauth.oidc]\nclient_id = "x"\nscopes = ["email"]', "scopes has to contain openid"),
        ('[oauth.github]\nclient_id = "x"', "oauth.github.client_secret is missing"),
        ('[oauth.github]\nclient_id = "x"\nbase_url = "ftp://x"', "oauth.github.base_url has to"),
        ('[oauth.apple]\nclient_id = "x"', "oauth.apple.private_key is missing"),
        (
            '[server]\npublic_base_url = "http://x.org"\n[oauth.apple]\nclient_id = "x"',
            "oauth.apple needs a server.public_base_url with https",
        ),
    ],
)
def test_a_sign_in_provider_is_configured_completely(
    tmp_path: Path, text: str, expected: str
) -> None:
    """All that is missing is named before anything starts."""
    assert expected in "\n".join(_config_errors(tmp_path, text))


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


USABLE_DATABASE_URLS = [
    "postgresql://u:p@127.0.0.1:5432/d",
    "postgres://u@h1:5432,h2:5433/d?target_session_attrs=primary&application_name=x",
    "postgresql://[::1]:5432/d?sslmode=require",
    "postgresql:///d?host=/var/run/postgresql&port=5433",
    "postgresql://u:p@/d?host=%2Ftmp%2Fa.b",
    "postgresql://u:p%40%2F%23@h?dbname=d",
]
UNUSABLE_DATABASE_URLS = [
    ("mysql://x", "postgresql://"),
    ("postgresql+asyncpg://u:p@127.0.0.1/d", "postgresql://"),
    ("nonsense", "postgresql://"),
    ("postgresql://u:p@127.0.0.1:18150x/d", "'18150x'"),
    ("postgresql://u:p@127.0.0.1:99999/d", "'99999'"),
    ("postgresql://u:p@h1:1,h2:x/d", "'x'"),
    ("postgresql://u:p@127.0.0.1:/d", "port ''"),
    ("postgresql:///d?host=h&port=1,zwei", "'zwei'"),
    ("postgresql://u:p@[::1/d", "is not a URL"),
    ("postgresql://u:p@127.0.0.1/d?nothing", "is not a URL"),
    ("postgresql://u:p@127.0.0.1", "names no database"),
    ("postgresql://u:p@127.0.0.1/d?channel_binding=prefer", "channel_binding"),
    ("postgresql://u:p@127.0.0.1/d?sslmode=maybe", "sslmode=maybe"),
    ("postgresql://u:p@127.0.0.1/d?sslrootcert=/no/such/file", "/no/such/file"),
    ("postgresql://u:canary/x@127.0.0.1/d", "%2F"),
    ("postgresql://u:canary#x@127.0.0.1/d", "%23"),
    ("postgresql://u:canary@x@127.0.0.1/d", "%40"),
]


@pytest.mark.parametrize("url", USABLE_DATABASE_URLS)
def test_the_driver_reads_the_accepted_addresses_of_databases(tmp_path: Path, url: str) -> None:
    """Nothing that the driver can use is refused."""
    assert _config_errors(tmp_path, "", DATABASE_URL=url) == []
    _parse_connect_dsn_and_args(dsn=url, **dict.fromkeys(DRIVER_ARGUMENTS))


@pytest.mark.parametrize(("url", "reason"), UNUSABLE_DATABASE_URLS)
def test_addresses_that_the_driver_cannot_use_are_refused(
    tmp_path: Path, url: str, reason: str
) -> None:
    """The error names the setting and what is wrong, and never a part of the password."""
    (error,) = _config_errors(tmp_path, "", DATABASE_URL=url)
    (owner,) = _config_errors(
        tmp_path, "", DATABASE_URL=USABLE_DATABASE_URLS[0], RUSTYGPT__DB__OWNER_URL=url
    )

    assert error.startswith("db.url ")
    assert owner.startswith("db.owner_url ")
    assert reason in error
    assert "canary" not in error + owner


def test_a_database_may_be_named_by_the_variables_of_postgresql(tmp_path: Path) -> None:
    """The driver reads PGDATABASE and PGSERVICE."""
    variables = {"DATABASE_URL": "postgresql://u@h", "PGDATABASE": "d"}

    assert _config_errors(tmp_path, "", **variables) == []


@pytest.mark.parametrize("url", ["redis://h:x/0", "redis://[::1/0", "http://h"])
def test_addresses_of_other_kinds_are_refused_for_the_backplane(tmp_path: Path, url: str) -> None:
    """The error names the setting."""
    (error,) = _config_errors(tmp_path, "", RUSTYGPT__SSE__BACKPLANE__URL=url)

    assert error.startswith("sse.backplane.url ")


def test_the_data_folder_is_configurable(tmp_path: Path) -> None:
    """The setting comes first, then the environment variable, then the default."""
    settings = Settings(db=Db(data_dir=str(tmp_path / "a")))

    assert data_folder(settings, {"RUSTYGPT_DATA_DIR": "/elsewhere"}) == tmp_path / "a"
    assert data_folder(Settings(), {"RUSTYGPT_DATA_DIR": str(tmp_path)}) == tmp_path
    assert data_folder(Settings(), {}).is_absolute()
    assert config_folder({"RUSTYGPT_CONFIG_DIR": str(tmp_path)}) == tmp_path
