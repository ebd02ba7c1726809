"""The commands `admin audit` and `admin retention`."""

from typing import Any
from uuid import UUID

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse
from tests.support.sample_models import TIME

from rustygpt_shared.codec import decode
from rustygpt_shared.models.audit import AuditEntry, AuditPage
from rustygpt_shared.models.retention import ConversationRetention, ExpiredCounts, Retention

ID, OTHER = UUID(int=0x10 << 100), UUID(int=0x20 << 100)
ENTRY = AuditEntry(
    number=7,
    created_at=TIME,
    action="account.roles_changed",
    actor_id=ID,
    actor_name="ann\x1b[31m",
    address="192.0.2.7",
    target_kind="account",
    target_id=OTHER,
    target_name="bob",
    details={"roles": ["admin"]},
)
RETENTION = Retention(
    messages_days=90,
    deleted_messages_days=None,
    events_days=None,
    audit_days=365,
    conversations=[ConversationRetention(ID, 7, None)],
)


def _sent(server: FakeHttpServer) -> dict[str, Any]:
    body: dict[str, Any] = decode(server.requests[-1].body, dict)
    return body


async def test_entries_are_listed_without_control_characters(signed_in: FakeHttpServer) -> None:
    """One line each; as JSON one object per line."""
    signed_in.on("GET", "/api/admin/audit", FakeResponse(body=AuditPage([ENTRY])))
    result = await rustygpt("admin", "audit")
    assert "\x1b" not in result.out
    assert result.out.split("\t")[1:] == [
        "account.roles_changed", "ann[31m", "192.0.2.7", "bob", '{"roles":["admin"]}\n',
    ]  # fmt: skip
    result = await rustygpt("admin", "audit", "--json")
    assert decode(result.out.encode(), AuditEntry) == ENTRY


async def test_filters_are_sent_and_the_limit_ends_the_list(signed_in: FakeHttpServer) -> None:
    """Times without a zone are local; the next page is not fetched without need."""
    signed_in.on("GET", "/api/admin/audit", FakeResponse(body=AuditPage([ENTRY, ENTRY], "5")))
    result = await rustygpt(
        "admin", "audit", "--action", "account", "--by", str(ID), "--target", str(OTHER),
        "--conversation", str(ID), "--since", "2026-01-31", "--until", "2026-02-01T10:00:00+0000",
        "--limit", "1",
    )  # fmt: skip
    query = signed_in.requests[-1].query
    assert result.code == 0
    assert len(result.out.splitlines()) == 1
    assert query["action"] == "account"
    assert (query["actor"], query["target"]) == (str(ID), str(OTHER))
    assert query["since"].startswith("2026-01-3")


async def test_retention_is_shown(signed_in: FakeHttpServer) -> None:
    """With the conversations that differ."""
    signed_in.on("GET", "/api/admin/retention", FakeResponse(body=RETENTION))
    result = await rustygpt("admin", "retention")
    assert "Messages:         90 days" in result.out
    assert "Deleted messages: forever" in result.out
    assert "Events:           as the settings say" in result.out
    assert f"{ID}\t7 days\tas the server" in result.out


async def test_retention_is_changed(signed_in: FakeHttpServer) -> None:
    """What is not given is not sent; forever is null."""
    signed_in.on("PUT", "/api/admin/retention", FakeResponse(body=RETENTION))
    signed_in.on("GET", "/api/admin/retention", FakeResponse(body=RETENTION))
    await rustygpt("admin", "retention", "set", "--messages", "90", "--audit", "forever")
    put = next(r for r in reversed(signed_in.requests) if r.method == "PUT")
    assert decode(put.body, dict) == {"messages_days": 90, "audit_days": None}


async def test_a_dry_run_prints_counts(signed_in: FakeHttpServer) -> None:
    """And says that nothing was changed."""
    counted = Retention(
        messages_days=90,
        deleted_messages_days=None,
        events_days=None,
        audit_days=None,
        conversations=[],
        expired=ExpiredCounts(12, 3, 0, 0),
    )
    signed_in.on("PUT", "/api/admin/retention", FakeResponse(body=counted))
    result = await rustygpt(
        "admin", "retention", "set", "--conversation", str(ID), "--messages", "1", "--dry-run"
    )
    assert _sent(signed_in) == {
        "conversation_id": str(ID), "messages_days": 1, "dry_run": True,
    }  # fmt: skip
    assert "Messages:         12" in result.out
    assert "Nothing was changed" in result.err


async def test_usage_errors_send_nothing(signed_in: FakeHttpServer) -> None:
    """A number that is none, and a change of nothing."""
    for words in (["--messages", "x"], ["--messages", "0"], []):
        result = await rustygpt("admin", "retention", "set", *words)
        assert result.code == 2, result
    assert all(request.method != "PUT" for request in signed_in.requests)
