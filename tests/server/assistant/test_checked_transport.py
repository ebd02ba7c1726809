"""Connections to model servers: which address they go to, and which they refuse."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.support.fakes.fake_model_server import FakeModelServer, fake_model_server

from rustygpt_server.assistant.checked_transport import CheckedTransport, Resolve
from rustygpt_server.assistant.provider import ProviderError


def _resolver(*addresses: str) -> Resolve:
    """Return a resolver that knows these addresses of every host, one list for each call."""

    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


async def _get(url: str, transport: CheckedTransport) -> httpx.Response:
    async with httpx.AsyncClient(transport=transport, trust_env=False) as client:
        return await client.get(url)


def _port(server: FakeModelServer) -> int:
    return httpx.URL(server.url).port or 0


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """The name of the host is resolved once, and is still the name that the server is sent."""
    async with fake_model_server() as server:
        url = f"http://models.invalid:{_port(server)}/v1/models"
        response = await _get(url, CheckedTransport(_resolver("127.0.0.1")))

    assert response.json()["data"] == [{"id": "scripted"}]
    assert response.request.headers["host"] == f"models.invalid:{_port(server)}"


async def test_the_next_address_is_tried_when_one_accepts_no_connection() -> None:
    """As for `localhost`, where a server listens on IPv4 only."""
    async with fake_model_server() as server:
        for resolver in (_resolver("::1", "127.0.0.1"), _resolver("127.0.0.2", "127.0.0.1")):
            url = f"http://models.invalid:{_port(server)}/v1/models"
            assert (await _get(url, CheckedTransport(resolver))).is_success
        url = f"http://localhost:{_port(server)}/v1/models"
        assert (await _get(url, CheckedTransport())).is_success


@pytest.mark.parametrize(
    "addresses", [["169.254.169.254"], ["127.0.0.1", "::ffff:169.254.169.254"], ["fe80::1%lo"]]
)
async def test_a_host_that_resolves_to_a_metadata_service_is_refused(addresses: list[str]) -> None:
    """Also when only one of its addresses does; no request is sent."""
    async with fake_model_server() as server:
        url = f"http://models.invalid:{_port(server)}/v1/chat/completions"
        with pytest.raises(ProviderError, match="metadata service"):
            await _get(url, CheckedTransport(_resolver(*addresses)))

    assert server.requests == []


@pytest.mark.parametrize("host", ["2852039166", "0xa9fea9fe", "[::ffff:169.254.169.254]"])
async def test_other_spellings_are_resolved_by_the_system_and_refused(host: str) -> None:
    """As the configuration does."""
    with pytest.raises(ProviderError, match="metadata service"):
        await _get(f"http://{host}/", CheckedTransport())


async def _unknown(host: str, port: int) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


async def _silent(host: str, port: int) -> list[str]:
    await asyncio.Event().wait()
    return []


@pytest.mark.parametrize(
    ("resolve", "error"),
    [
        (_unknown, httpx.ConnectError),
        (_resolver(), httpx.ConnectError),
        (_silent, httpx.ConnectTimeout),
    ],
)
async def test_a_host_without_an_address_is_a_failed_connection(
    resolve: Resolve, error: type[Exception]
) -> None:
    """As is a resolver that does not respond."""
    transport = CheckedTransport(resolve)
    async with httpx.AsyncClient(transport=transport, timeout=0.05, trust_env=False) as client:
        with pytest.raises(error):
            await client.get("http://models.invalid/")


async def test_a_certificate_has_to_name_the_host(tmp_path: Path) -> None:
    """Although the connection goes to an address, which the certificate does not have."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = _certificate(tmp_path, "models.invalid")
    server_context.load_cert_chain(certificate)
    client_context = ssl.create_default_context(cafile=str(certificate))
    async with fake_model_server(tls=server_context) as server:
        port = _port(server)
        transport = CheckedTransport(_resolver("127.0.0.1"), client_context)
        assert (await _get(f"https://models.invalid:{port}/v1/models", transport)).is_success
        transport = CheckedTransport(_resolver("127.0.0.1"), client_context)
        with pytest.raises(httpx.ConnectError, match="mismatch"):
            await _get(f"https://other.invalid:{port}/v1/models", transport)


def _certificate(folder: Path, host: str) -> Path:
    """Return a file with a certificate for a host, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(pem))
    return file
