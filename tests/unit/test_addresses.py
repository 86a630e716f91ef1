"""Which addresses a fetch may talk to, over all of both address spaces."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelq.worker.errors import PermanentError, TransientError
from reelq.worker.sources.address_policy import FORBIDDEN, PRIVATE, PUBLIC, AddressGuard, kind


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8.8.8.8", PUBLIC),
        ("172.32.0.1", PUBLIC),
        ("100.128.0.1", PUBLIC),
        ("2606:4700::1", PUBLIC),
        ("2a00:1450:4001::1", PUBLIC),
        ("10.1.2.3", PRIVATE),
        ("172.16.0.1", PRIVATE),
        ("172.31.255.255", PRIVATE),
        ("192.168.1.1", PRIVATE),
        ("127.0.0.1", PRIVATE),
        ("127.255.255.254", PRIVATE),
        ("100.64.0.1", PRIVATE),
        ("100.127.255.255", PRIVATE),
        ("::1", PRIVATE),
        ("fd00::1", PRIVATE),
        ("::ffff:127.0.0.1", PRIVATE),
        ("::ffff:8.8.8.8", PRIVATE),
        ("64:ff9b::8.8.8.8", PRIVATE),
        ("169.254.169.254", FORBIDDEN),
        ("::ffff:169.254.169.254", FORBIDDEN),
        ("64:ff9b::169.254.169.254", FORBIDDEN),
        ("0.0.0.0", FORBIDDEN),
        ("::", FORBIDDEN),
        ("224.0.0.1", FORBIDDEN),
        ("255.255.255.255", FORBIDDEN),
        ("198.18.0.1", FORBIDDEN),
        ("203.0.113.9", FORBIDDEN),
        ("fe80::1", FORBIDDEN),
        ("fe80::1%eth0", FORBIDDEN),
        ("fec0::1", FORBIDDEN),
        ("ff02::1", FORBIDDEN),
        ("2002:7f00:1::", FORBIDDEN),
        ("2001::1", FORBIDDEN),
        ("2001:db8::1", FORBIDDEN),
        ("64:ff9b:1::1", FORBIDDEN),
        ("::127.0.0.1", FORBIDDEN),
    ],
)
def test_known_addresses(text: str, expected: str) -> None:
    assert kind(ip_address(text)) == expected


@given(st.ip_addresses(v=4))
def test_public_is_never_what_python_knows_to_be_local(address: IPv4Address) -> None:
    if kind(address) == PUBLIC:
        assert address.is_global and not address.is_multicast
    if address.is_private or address.is_multicast or address.is_reserved or address.is_link_local:
        assert kind(address) != PUBLIC


@given(st.ip_addresses(v=6))
def test_public_ipv6_is_global_unicast(address: IPv6Address) -> None:
    if kind(address) == PUBLIC:
        assert address.is_global and int(address) in PUBLIC_SPACE
        assert address.ipv4_mapped is None and address.teredo is None and address.sixtofour is None


PUBLIC_SPACE = range(0x2000 << 112, 0x4000 << 112)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:0:0", "64:ff9b::"]))
def test_an_ipv4_address_in_ipv6_clothes_is_never_public(inside: IPv4Address, clothes: str) -> None:
    assert kind(IPv6Address(int(IPv6Address(clothes)) | int(inside))) != PUBLIC


@pytest.mark.parametrize("found", [["8.8.8.8", "127.0.0.1"], ["127.0.0.1"], ["8.8.8.8", "fe80::1%2"]])
def test_one_address_that_is_not_for_us_is_enough(found: list[str]) -> None:
    guard = AddressGuard(allow_private=False, resolve=lambda *_: found)
    with pytest.raises(PermanentError) as told:
        guard.addresses("trap.example", 80)
    assert told.value.code == "address_refused"


def test_the_cloud_metadata_service_stays_forbidden_when_private_networks_are_allowed() -> None:
    guard = AddressGuard(allow_private=True, resolve=lambda host, _: [host])
    assert guard.addresses("192.168.1.5", 80) == ["192.168.1.5"]
    with pytest.raises(PermanentError):
        guard.addresses("169.254.169.254", 80)


def test_a_name_is_asked_for_once() -> None:
    answers = iter([["8.8.8.8"], ["127.0.0.1"]])
    guard = AddressGuard(allow_private=False, resolve=lambda *_: next(answers))
    assert guard.addresses("rebinding.example", 80) == ["8.8.8.8"]
    assert guard.addresses("rebinding.example", 80) == ["8.8.8.8"]


def test_a_name_without_address_may_have_one_later() -> None:
    for resolve in (empty, failing):
        with pytest.raises(TransientError) as told:
            AddressGuard(allow_private=False, resolve=resolve).addresses("nobody.example", 80)
        assert told.value.code == "name_unknown"


def empty(host: str, port: int) -> list[str]:
    return []


def failing(host: str, port: int) -> list[str]:
    raise OSError("no such name")


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "2130706433", "017700000001", "localhost"])
def test_other_spellings_of_loopback_are_seen_through(host: str) -> None:
    with pytest.raises(PermanentError) as told:
        AddressGuard(allow_private=False).addresses(host, 80)
    assert told.value.code == "address_refused"
