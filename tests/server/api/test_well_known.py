"""Files below `/.well-known/`."""

from datetime import UTC, datetime, timedelta

import httpx
from tests.support.servers.in_process_server import InProcessServer, StartServer

from rustygpt_shared.settings import Features, Server, Settings, WellKnown, WellKnownEntry

_ENTRIES = [
    WellKnownEntry(path="assetlinks.json", body="[]", content_type="application/json"),
    WellKnownEntry(path="a/b", body="<b>é</b>"),
]
_CONTACT = "mailto:security@example.org"


async def test_configured_files_are_served(start_server: StartServer) -> None:
    """With their media type, cached for an hour; anything else is not found, nor the page."""
    settings = Settings(well_known=WellKnown(entries=_ENTRIES))
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        links = await client.get("/.well-known/assetlinks.json")
        nested = await client.get("/.well-known/a/b")
        for path in ("security.txt", "none", "a", "a/b/", "A/b", "%2e%2e/index.html", ""):
            html = {"Accept": "text/html"}
            missing = await client.get(f"/.well-known/{path}", headers=html)
            assert missing.status_code == 404, path
            assert missing.json()["code"] == "RGP.NOT_FOUND", path

    assert (links.status_code, links.json()) == (200, [])
    assert links.headers["content-type"] == "application/json"
    assert links.headers["cache-control"] == "public, max-age=3600"
    assert nested.text == "<b>é</b>"
    assert nested.headers["content-type"] == "text/plain; charset=utf-8"


async def test_security_txt_comes_from_the_contact(start_server: StartServer) -> None:
    """RFC 9116: Contact, and one Expires that lies in the future whenever it is asked for."""
    settings = Settings(
        server=Server(public_base_url="https://chat.example.org"),
        well_known=WellKnown(contact=_CONTACT),
    )
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        for _ in range(2):
            response = await client.get("/.well-known/security.txt")
            fields = [line.split(": ", 1) for line in response.text.splitlines()]
            now = server.clock.now()

            assert response.headers["content-type"] == "text/plain; charset=utf-8"
            assert [name for name, _ in fields] == ["Contact", "Expires", "Canonical"]
            values = dict(fields)
            assert values["Contact"] == _CONTACT
            assert values["Canonical"] == "https://chat.example.org/.well-known/security.txt"
            expires = datetime.fromisoformat(values["Expires"]).astimezone(UTC)
            assert timedelta(days=30) < expires - now < timedelta(days=365)
            server.clock.advance(400 * 86_400)


async def test_an_own_security_txt_is_preferred(start_server: StartServer) -> None:
    """An entry with that path replaces the one that is made from the contact."""
    entry = WellKnownEntry(path="security.txt", body="Contact: https://example.org\n")
    settings = Settings(well_known=WellKnown(contact=_CONTACT, entries=[entry]))
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        assert (await client.get("/.well-known/security.txt")).text == entry.body


async def test_change_password_leads_to_the_form_of_the_page(server: InProcessServer) -> None:
    """Password managers follow it, and see by another name that what is missing is no page."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        for method in ("GET", "HEAD"):
            response = await client.request(method, "/.well-known/change-password")
            assert (response.status_code, response.content) == (303, b"")
            assert response.headers["location"] == "/#/password"
            assert response.headers["content-type"] == "text/plain"
            assert response.headers["cache-control"] == "public, max-age=3600"
        missing = "resource-that-should-not-exist-whose-status-code-should-not-be-200"
        assert (await client.get(f"/.well-known/{missing}")).status_code == 404


async def test_an_own_change_password_is_preferred(start_server: StartServer) -> None:
    """As where accounts are administered elsewhere."""
    entry = WellKnownEntry(path="change-password", body="Ask the help line.")
    settings = Settings(well_known=WellKnown(entries=[entry]))
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        response = await client.get("/.well-known/change-password")
    assert (response.status_code, response.text) == (200, entry.body)


async def test_without_the_flag_nothing_is_served(start_server: StartServer) -> None:
    """`features.well_known` removes the route."""
    settings = Settings(
        features=Features(well_known=False),
        well_known=WellKnown(contact=_CONTACT, entries=_ENTRIES),
    )
    async with (
        start_server(settings=settings) as server,
        httpx.AsyncClient(base_url=server.url) as client,
    ):
        for path in ("security.txt", "change-password", "assetlinks.json"):
            assert (await client.get(f"/.well-known/{path}")).status_code == 404


async def test_nothing_is_configured_by_default(server: InProcessServer) -> None:
    """Without a contact and entries there is no file."""
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get("/.well-known/security.txt")).status_code == 404
