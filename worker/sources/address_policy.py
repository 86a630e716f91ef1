"""Which addresses a fetch may talk to.

    public     a host on the internet
    private    this host, its local networks, carrier-grade NAT: only when the settings allow it
    forbidden  link-local (cloud metadata lives there), multicast, broadcast, unspecified, reserved,
               documentation, tunnels: never

A name is resolved once a fetch and the connection goes to that very address, so an answer that
changes between the look and the connection (DNS rebinding) gains nothing.

Source: IANA IPv4 and IPv6 Special-Purpose Address Registries, read 2026-11-21. Written out here,
because Python's own `is_global` differs from release to release.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from reelq.worker.errors import PermanentError, TransientError

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Iterable[str]]  # name and port to addresses as text

PUBLIC, PRIVATE, FORBIDDEN = "public", "private", "forbidden"

PRIVATE_4 = tuple(
    IPv4Network(text)
    for text in ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
FORBIDDEN_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "169.254.0.0/16",  # link-local
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation, and the next two
        "198.51.100.0/24",
        "203.0.113.0/24",
        "192.31.196.0/24",  # AS112, and 192.175.48.0/24
        "192.175.48.0/24",
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
PRIVATE_6 = (IPv6Network("::1/128"), IPv6Network("fc00::/7"))
GLOBAL_6 = IPv6Network("2000::/3")  # all that is routed on the internet
FORBIDDEN_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, with Teredo and ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address in disguise
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
NAT64 = IPv6Network("64:ff9b::/96")


def kind(address: Address) -> str:
    """PUBLIC, PRIVATE or FORBIDDEN."""
    if isinstance(address, IPv4Address):
        if any(address in network for network in PRIVATE_4):
            return PRIVATE
        return FORBIDDEN if any(address in network for network in FORBIDDEN_4) else PUBLIC
    inside = address.ipv4_mapped
    if inside is None and address in NAT64:
        inside = IPv4Address(int(address) & 0xFFFFFFFF)
    if inside is not None:
        # Never public: no honest name has such an address. At best it is a private one.
        return FORBIDDEN if kind(inside) == FORBIDDEN else PRIVATE
    if any(address in network for network in PRIVATE_6):
        return PRIVATE
    if address not in GLOBAL_6 or any(address in network for network in FORBIDDEN_6):
        return FORBIDDEN
    return PUBLIC


def system_resolve(host: str, port: int) -> list[str]:
    """The addresses that this host's resolver knows, in its order, each once."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class AddressGuard:
    """Turns names into addresses that may be connected to; asks for each name once."""

    def __init__(self, *, allow_private: bool, resolve: Resolve = system_resolve) -> None:
        self._allowed = {PUBLIC, PRIVATE} if allow_private else {PUBLIC}
        self._resolve = resolve
        self._known: dict[tuple[str, int], list[str]] = {}

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of `host`, at least one, all of them allowed.

        Raises:
            PermanentError: "address_refused", one of the addresses is not for us. One is enough: a
                name with a public and a private address is a trap.
            TransientError: "name_unknown", the name has no address now.
        """
        if (host, port) not in self._known:
            self._known[host, port] = self._ask(host, port)
        return self._known[host, port]

    def _ask(self, host: str, port: int) -> list[str]:
        try:
            found = list(self._resolve(host, port))
        except (OSError, UnicodeError) as error:
            raise _unknown(f"{host}: {error}") from error
        if not found:
            raise _unknown(host)
        for text in found:
            if kind(ip_address(text)) not in self._allowed:
                raise PermanentError(
                    "address_refused",
                    "The source's host has an address that may not be fetched from.",
                    detail=f"{host} is {text}",
                )
        return found


def _unknown(detail: str) -> TransientError:
    return TransientError("name_unknown", "The source's host name cannot be resolved.", detail=detail)
