"""Requests to sign-in providers: where they may go, and what they may bring back."""

import pytest
from tests.support.fakes.fake_http_server import FakeResponse, fake_http_server

from rustygpt_server.clock import TimeLimits
from rustygpt_server.services.oauth.http import BODY_LIMIT, ProviderClient, check_url
from rustygpt_server.services.oauth.provider import ProviderFailed


@pytest.mark.parametrize(
    "url",
    [
        "http://login.example.org/keys",
        "http://169.254.169.254/latest",
        "http://localhost.example.org/",
        "ftp://login.example.org/",
        "javascript:alert(1)",
        "https:///keys",
        "https://user:password@login.example.org/",
        "https://[bad",
        "",
    ],
)
def test_only_https_leaves_this_machine(url: str) -> None:
    """The error has no query and no password in it."""
    with pytest.raises(ProviderFailed):
        check_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://login.example.org/x", "http://127.0.0.1:5/x", "http://[::1]/", "http://localhost/"],
)
def test_https_and_this_machine_are_allowed(url: str) -> None:
    """A provider on this machine is for tests and for who runs one here."""
    check_url(url)


async def test_a_body_is_read_up_to_the_limit() -> None:
    """One byte more is refused, and so is what is compressed, redirected or no JSON."""
    client = ProviderClient(TimeLimits())
    try:
        async with fake_http_server() as server:
            server.on("GET", "/fits", FakeResponse(200, "x" * (BODY_LIMIT - 2)))
            server.on("GET", "/large", FakeResponse(200, "x" * (BODY_LIMIT - 1)))
            server.on("GET", "/gzip", FakeResponse(200, {}, [("content-encoding", "gzip")]))
            server.on("GET", "/moved", FakeResponse(302, None, [("location", "/fits")]))
            server.on("GET", "/refused", FakeResponse(400, {"error": "invalid_grant"}))
            assert len(await client.get(f"{server.origin}/fits")) == BODY_LIMIT - 2
            for path, reason in (
                ("large", "larger than"),
                ("gzip", "compressed"),
                ("moved", "answered 302"),
                ("refused", "invalid_grant"),
            ):
                with pytest.raises(ProviderFailed, match=reason):
                    await client.get(f"{server.origin}/{path}?code=secret")
            with pytest.raises(ProviderFailed) as failed:
                await client.get(f"{server.origin}/refused?code=secret")
        assert "secret" not in str(failed.value)
    finally:
        await client.close()
