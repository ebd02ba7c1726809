"""Secrets appear neither in logs, nor in metrics, nor in responses."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from tests.support.database import databases
from tests.support.fakes.fake_model_server import ScriptedAnswer, fake_model_server
from tests.support.servers.server_process import COMMAND, server_process

pytestmark = pytest.mark.slow

CANARY = "canary-7c1f"


async def _config_show(environ: dict[str, str]) -> str:
    """Return the output of `config show`."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND,
        "config",
        "show",
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return output.decode()


def _config(folder: Path, model_url: str) -> None:
    """Write a configuration file whose provider has secret keys."""
    (folder / "config.toml").write_text(
        f'[llm]\ndefault_model = "m"\n[llm.models.m]\nprovider = "p"\n'
        f'[llm.providers.p]\nkind = "openai"\nbase_url = "{model_url}"\n'
        f'api_key = "{CANARY}-key"\nheaders = {{"X-Key" = "{CANARY}-header"}}\n'
    )


async def _send_secrets(url: str) -> None:
    """Send the canary in every place for a secret, in valid and invalid requests."""
    password = f"{CANARY}-password"
    setup = {"username": "ann", "email": "ann@example.org", "password": password}
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        await client.post("/api/setup", json={**setup, "setup_token": f"{CANARY}-token"})
        for email in ("ann", "nobody"):
            body = {"email": email, "password": f"{CANARY}-wrong"}
            await client.post("/api/auth/login", json=body)
        login = await client.post("/api/auth/login", json={"email": "ann", "password": password})
        csrf = {"X-CSRF-TOKEN": login.json()["csrf_token"]}
        wrong_csrf = {"X-CSRF-TOKEN": f"{CANARY}-csrf"}
        await client.post("/api/conversations", json={"title": "x"}, headers=wrong_csrf)
        created = await client.post(
            "/api/conversations", json={"title": "x", "assistant_mode": "always"}, headers=csrf
        )
        conversation_id = created.json()["conversation_id"]
        path = f"/api/threads/{conversation_id}/root"
        await client.post(path, json={"content": f"{CANARY}-text"}, headers=csrf)
        await client.get(f"/api/{CANARY}-path?q={CANARY}-query")
        change = {"current_password": password, "new_password": f"{CANARY}-new-password"}
        await client.post("/api/auth/password", json=change, headers=csrf)
    async with httpx.AsyncClient(base_url=url) as client:
        cookie = {"Cookie": f"SESSION_ID={CANARY}-cookie", "Authorization": f"Bearer {CANARY}"}
        await client.get("/api/auth/me", headers=cookie)
        await client.post("/api/setup", content=f'{{"password": "{CANARY}'.encode())


async def test_no_secret_appears_in_logs_or_metrics(tmp_path: Path, cluster_url: str) -> None:
    """Passwords, cookies, tokens, provider keys and message texts are absent from both."""
    database = await databases.create(cluster_url)
    rejecting = ScriptedAnswer(
        [b'{"error": {"message": "no"}}'], status=401, content_type="application/json"
    )
    async with fake_model_server(rejecting) as model:
        _config(tmp_path, model.url)
        settings = {"RUSTYGPT__LOGGING__LEVEL": "debug", "RUSTYGPT__LOGGING__FORMAT": "json"}
        async with server_process(tmp_path, database, **settings) as server:
            await _send_secrets(server.url)
            async with httpx.AsyncClient(base_url=server.url) as client:
                metrics = (await client.get("/metrics")).text
            command = Path(f"/proc/{server.pid}/cmdline").read_bytes().decode()
            shown_config = await _config_show(server._environ)
        log = (tmp_path / "server.log").read_text()
        sent_keys = [recorded.headers["authorization"] for recorded in model.requests]
    await databases.drop(cluster_url, database)

    password = urlsplit(database).password or CANARY
    assert sent_keys == [f"Bearer {CANARY}-key"]
    for output in (log, metrics, command, shown_config):
        assert CANARY not in output
        assert password not in output
    assert "request" in log
    assert "api_key" in shown_config
