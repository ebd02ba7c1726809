"""The command `usage`."""

from datetime import date
from uuid import UUID

from tests.support.clients.cli_runner import rustygpt
from tests.support.fakes.fake_http_server import FakeHttpServer, FakeResponse

from rustygpt_shared.codec import decode
from rustygpt_shared.models.assistant import TokenBudget, UsageEntry, UsageReport

ENTRY = UsageEntry(date(2026, 1, 31), UUID(int=1), "ann", "qwen3", 2, 1_300, 700, 2_000, 50)


async def test_usage_is_listed_with_the_budget(signed_in: FakeHttpServer) -> None:
    """The entries on standard output, the budget as a note; as JSON one object with both."""
    report = UsageReport([ENTRY], TokenBudget(10_000, 2_000))
    signed_in.on("GET", "/api/usage", FakeResponse(body=report))
    result = await rustygpt("usage")
    assert result.out == "2026-01-31\tann\tqwen3\t2\t1300\t700\t2000\t50\n"
    assert "You have used 2,000 of the 10,000 tokens of today" in result.err
    assert "user" not in signed_in.requests[-1].query
    result = await rustygpt("usage", "--json")
    assert decode(result.out.encode(), UsageReport) == report


async def test_filters_are_sent(signed_in: FakeHttpServer) -> None:
    """Days as they are, and `all` for all accounts."""
    signed_in.on("GET", "/api/usage", FakeResponse(body=UsageReport([])))
    await rustygpt("usage", "--all", "--since", "2026-01-01", "--until", "2026-01-31")
    query = signed_in.requests[-1].query
    assert (query["user"], query["since"], query["until"]) == ("all", "2026-01-01", "2026-01-31")
    await rustygpt("usage", "--user", "bob")
    assert signed_in.requests[-1].query["user"] == "bob"


async def test_usage_errors_send_nothing(signed_in: FakeHttpServer) -> None:
    """A day that is none, and one account together with all."""
    for words in (["--since", "yesterday"], ["--user", "bob", "--all"]):
        assert (await rustygpt("usage", *words)).code == 2
    assert signed_in.requests == []
