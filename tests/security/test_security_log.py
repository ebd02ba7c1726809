"""The log lines about who may do what: one each, with account, address and request id."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import structlog
from tests.support.password import PASSWORD
from tests.support.servers.in_process_server import InProcessServer

from rustygpt_server.telemetry import set_up_logging
from rustygpt_shared.settings import Logging

SECURITY_EVENTS = frozenset(
    {
        "login refused",
        "session refused",
        "CSRF check failed",
        "current password refused",
        "password changed",
        "password set",
        "set-up refused",
        "server set up",
        "account created",
        "account disabled",
        "account enabled",
        "roles changed",
        "sessions ended",
        "account registered",
        "token created",
        "token revoked",
        "token refused",
    }
)
CANARY = "canary-5f1e"


@pytest.fixture
def security_log() -> Iterator["SecurityLog"]:
    """The log as JSON, restored afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    set_up_logging(Logging(format="json"))
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    output = io.StringIO()
    handler.setStream(output)
    yield SecurityLog(output)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class SecurityLog:
    """What was logged since it was last asked."""

    def __init__(self, output: io.StringIO) -> None:
        self._output = output
        self._read = 0

    @property
    def text(self) -> str:
        """Everything that was logged."""
        return self._output.getvalue()

    def lines(self) -> list[dict[str, Any]]:
        """Return the security events since the last call."""
        new = self.text[self._read :]
        self._read += len(new)
        parsed = [json.loads(line) for line in new.splitlines()]
        return [line for line in parsed if line["event"] in SECURITY_EVENTS]

    def only_line(self, response: httpx.Response) -> dict[str, Any]:
        """Return the one security event, which has the address and the request id."""
        (line,) = self.lines()
        assert line["address"] == "127.0.0.1"
        assert line["request_id"] == response.headers["x-request-id"]
        return line


async def _log_in(server: InProcessServer, name: str, password: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=server.url) as client:
        return await client.post("/api/auth/login", json={"email": name, "password": password})


async def test_a_refused_login_leaves_a_line(
    server: InProcessServer, security_log: SecurityLog
) -> None:
    """With the account if there is one, with the reason, and without what was entered."""
    ann, admin = await server.person("ann"), await server.person("admin")
    security_log.lines()
    line = security_log.only_line(await _log_in(server, "ann@example.org", CANARY))
    assert (line["event"], line["account"], line["reason"], line["level"]) == (
        "login refused",
        "ann",
        "wrong password",
        "warning",
    )
    line = security_log.only_line(await _log_in(server, CANARY, CANARY))
    assert (line["account"], line["reason"]) == (None, "unknown account")
    await admin.call("PATCH", f"/api/admin/users/{ann.id}", {"disabled": True})
    security_log.lines()
    line = security_log.only_line(await _log_in(server, "ann", PASSWORD))
    assert (line["account"], line["reason"]) == ("ann", "disabled")
    assert CANARY not in security_log.text
    assert PASSWORD not in security_log.text


async def test_a_refused_session_leaves_a_line(
    server: InProcessServer, security_log: SecurityLog
) -> None:
    """An unknown, superseded or expired token, two sessions, or another CSRF token."""
    ann = await server.person("ann")
    token = ann.client.cookies["SESSION_ID"]

    async def status(*tokens: str) -> httpx.Response:
        header = {"Cookie": "; ".join(f"SESSION_ID={one}" for one in tokens)}
        async with httpx.AsyncClient(base_url=server.url) as client:
            return await client.get("/api/auth/me", headers=header)

    security_log.lines()
    results = [security_log.only_line(await status(CANARY))]
    results.append(security_log.only_line(await status(CANARY, token)))
    await ann.post("/api/auth/refresh", None)
    server.clock.advance(31)
    results.append(security_log.only_line(await status(token)))
    assert {line["event"] for line in results} == {"session refused"}
    assert [(line["account"], line["reason"]) for line in results] == [
        (None, "unknown"),
        (None, "two sessions"),
        ("ann", "superseded"),
    ]


async def test_a_refused_csrf_token_or_password_leaves_a_line(
    server: InProcessServer, security_log: SecurityLog
) -> None:
    """With the account of the session, and not what was sent instead."""
    ann = await server.person("ann")
    security_log.lines()
    headers = {"X-CSRF-TOKEN": CANARY}
    line = security_log.only_line(await ann.client.post("/api/auth/password", headers=headers))
    assert (line["event"], line["account"]) == ("CSRF check failed", "ann")
    body = {"current_password": CANARY, "new_password": f"{CANARY}-new"}
    response = await ann.call("POST", "/api/auth/password", body, expect=401)
    line = security_log.only_line(response)
    assert (line["event"], line["account"]) == ("current password refused", "ann")
    line = security_log.only_line(await server.change_password(ann, f"{CANARY}-new"))
    assert (line["event"], line["account"]) == ("password changed", "ann")
    assert CANARY not in security_log.text


async def test_a_token_leaves_a_line(server: InProcessServer, security_log: SecurityLog) -> None:
    """When it is created, revoked and refused; without the token and its name."""
    ann = await server.person("ann")
    security_log.lines()
    body = {"name": CANARY, "scopes": ["read"]}
    response = await ann.call("POST", "/api/auth/tokens", body, expect=201)
    lines = [security_log.only_line(response)]
    path = f"/api/auth/tokens/{response.json()['id']}"
    lines.append(security_log.only_line(await ann.call("DELETE", path, expect=204)))
    program = server.token_user(response.json()["token"], ann)
    lines.append(security_log.only_line(await program.call("GET", "/api/auth/me", expect=401)))

    assert [(line["event"], line["account"]) for line in lines] == [
        ("token created", "ann"),
        ("token revoked", "ann"),
        ("token refused", None),
    ]
    assert response.json()["token"] not in security_log.text
    assert CANARY not in security_log.text


async def test_the_set_up_leaves_a_line(server: InProcessServer, security_log: SecurityLog) -> None:
    """Also one that was refused for its token."""
    body = {"username": "ann", "email": "ann@example.org", "password": f"{CANARY}-password"}
    async with httpx.AsyncClient(base_url=server.url) as client:
        refused = await client.post(
            "/api/setup", json={**body, "setup_token": CANARY}, headers={"Host": "example.org"}
        )
        assert security_log.only_line(refused)["event"] == "set-up refused"
        accepted = await client.post("/api/setup", json=body)
    line = security_log.only_line(accepted)
    assert (line["event"], line["account"]) == ("server set up", "ann")
    assert CANARY not in security_log.text


async def test_each_administrative_change_leaves_a_line(
    server: InProcessServer, security_log: SecurityLog
) -> None:
    """With the account that was changed and the id of who did it."""
    admin = await server.person("admin")
    security_log.lines()
    body = {"username": "bob", "email": "bob@example.org", "password": f"{CANARY}-first"}
    response = await admin.call("POST", "/api/admin/users", body, expect=201)
    lines = [security_log.only_line(response)]
    path = f"/api/admin/users/{response.json()['id']}"
    changes: list[dict[str, Any]] = [
        {"disabled": True},
        {"disabled": False},
        {"roles": ["read_only"]},
    ]
    lines += [security_log.only_line(await admin.call("PATCH", path, one)) for one in changes]
    call = admin.call("PATCH", path, {"password": f"{CANARY}-second"})
    lines.append(security_log.only_line(await server.settled(call)))

    lines.append(security_log.only_line(await admin.call("DELETE", f"{path}/sessions", expect=204)))

    assert [line["event"] for line in lines] == [
        "account created",
        "account disabled",
        "account enabled",
        "roles changed",
        "password set",
        "sessions ended",
    ]
    assert {(line["account"], line["by"]) for line in lines} == {("bob", str(admin.id))}
    assert lines[3]["roles"] == ["read_only"]
    assert CANARY not in security_log.text
