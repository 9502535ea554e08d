"""Which addresses a remote may lead to, checked on the address that is connected to."""

from __future__ import annotations

import re
import socket
import unicodedata
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from entrepot.download.errors import AddressRefused

if TYPE_CHECKING:
    from entrepot.model.remote import Remote

#: What the C library takes for an IPv4 address: decimal, octal or hexadecimal, in one to four parts.
_NUMBERS: Final = re.compile(r"(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+)){0,3}", re.IGNORECASE | re.ASCII)
_PORTS: Final = {"http": 80, "https": 443}
_NAT64: Final = IPv6Network("64:ff9b::/96")

#: Set aside for documentation (RFC 5737, RFC 3849): no network has machines there to be kept from,
#: while closed networks give such addresses to their gateways to package indexes.
_NOBODYS: Final = tuple(
    ip_network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)

#: Not for the public either, whatever the standard library of this Python knows of them: what sites used
#: among themselves (RFC 3879), protocols' own (RFC 6890), and translators' own (RFC 8215).
_CLOSED: Final = tuple(ip_network(network) for network in ("fec0::/10", "192.0.0.0/24", "64:ff9b:1::/48"))

#: Full stops that a host name may have in place of '.' (RFC 3490), and that NFKC leaves as they are.
_FULL_STOPS: Final = str.maketrans({"\u3002": "."})

Address = IPv4Address | IPv6Address


class Allowance:
    """Decides on every address at the moment a socket for it is made.

    Addresses that only some networks can reach (private, loopback, link-local, reserved) are refused
    unless the remote allows them. A remote whose own URL names a loopback host by a literal may be
    reached at exactly that host and port: nobody else chose it. With a proxy, the proxy is what is
    connected to, which the operator chose; names are then its own to resolve, and only addresses that
    a URL spells out can be checked.
    """

    def __init__(self, remote: Remote) -> None:
        self._allow_private = remote.access.allow_private
        self._by_proxy = remote.access.proxy is not None
        self._own = loopback_of(remote.url)

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """Make the socket that will be connected to this address, or raise `AddressRefused`.

        aiohttp calls it with each entry of what a name resolved to, right before connecting: a
        name that resolves differently the second time cannot come between.
        """
        family, kind, protocol, _, target = info
        if not self._by_proxy:
            self.check(target[0], target[1])
        return socket.socket(family, kind, protocol)

    def check(self, host: str, port: int) -> None:
        """Raise `AddressRefused` unless a connection to this literal address is allowed."""
        address = _embedded(ip_address(host.partition("%")[0]))
        if self._allow_private or _is_public(address) or self._is_own(address, port):
            return
        refused = AddressRefused(
            "the address is private, loopback, link-local or reserved",
            remedy="if this upstream may be there, set allow_private = true for its repository",
        )
        refused.at(f"address {address}")
        raise refused

    def check_for_proxy(self, url: str) -> None:
        """Raise `AddressRefused` when a URL that a proxy will be asked for spells out a refused address."""
        if self._by_proxy:
            self.check_spelled_out(url)

    def check_spelled_out(self, url: str) -> None:
        """Raise `AddressRefused` when a URL spells out a refused address, in whatever notation."""
        parts = urlsplit(url)
        host = unicodedata.normalize("NFKC", parts.hostname or "").translate(_FULL_STOPS).rstrip(".")
        port = parts.port or _PORTS.get(parts.scheme, 0)
        if host == "localhost":
            host = "127.0.0.1"
        with suppress(ValueError):
            self.check(socket.inet_ntoa(socket.inet_aton(host)) if _NUMBERS.fullmatch(host) else host, port)

    def _is_own(self, address: Address, port: int) -> bool:
        if self._own is None or port != self._own[1]:
            return False
        return address.is_loopback if self._own[0] is None else address == self._own[0]


def _is_public(address: Address) -> bool:
    if any(address in network for network in _NOBODYS):
        return True
    if any(address in network for network in _CLOSED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _embedded(address: Address) -> Address:
    """Look through IPv6 forms at the IPv4 address that packets really go to."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def loopback_of(url: str) -> tuple[Address | None, int] | None:
    """Return the loopback address and port that a URL spells out; any address for `localhost`."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)
        if host == "localhost":
            return None, port
        address = ip_address(host)
    except ValueError:
        return None
    return (address, port) if address.is_loopback else None
