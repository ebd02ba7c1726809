"""Addresses that no model server can have."""

import pytest

from rustygpt_server.forbidden_addresses import is_forbidden_address, is_forbidden_host


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "169.254.170.2",
        "2852039166",
        "0xA9FEA9FE",
        "0251.0376.0251.0376",
        "169.254.43518",
        "0xa9.254.0251.254",
        "100.100.100.200",
        "192.0.0.192",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "fe80::1%eth0",
        "::ffff:169.254.169.254",
        "::ffff:a9fe:a9fe",
        "::a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "metadata.google.internal",
        "Metadata.Google.Internal.",
    ],
)
def test_metadata_services_are_forbidden(host: str) -> None:
    """In every spelling that a resolver accepts, and within IPv6 addresses."""
    assert is_forbidden_host(host)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "::1",
        "10.0.0.5",
        "192.168.1.2",
        "172.16.0.1",
        "fd00::5",
        "100.64.0.1",
        "8.8.8.8",
        "2606:4700::1",
        "::ffff:127.0.0.1",
        "localhost",
        "models.example.org",
        "254",
        "",
    ],
)
def test_other_addresses_are_allowed(host: str) -> None:
    """Models run on this machine and in private networks, too."""
    assert not is_forbidden_host(host)
    assert not is_forbidden_address(host)
