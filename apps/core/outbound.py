"""The one policy for addresses that people type in: where our servers may send a request.

`check_destination` is asked when an address is saved; `post_json` asks again when it sends, and
connects to the very address that was checked, so that a name cannot change its meaning in between.
"""

import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Timer
from typing import override
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.errors import InvalidRequest

MAX_URL_CHARACTERS = 2_000
MAX_REPLY_BYTES = 64 * 1024
DEFAULT_PORTS = {"http": 80, "https": 443}
# Instance metadata hands out cloud credentials: refused even where private addresses are allowed.
METADATA_ADDRESSES = frozenset(
    {
        ip_address("169.254.169.254"),
        ip_address("169.254.170.2"),
        ip_address("100.100.100.200"),
        ip_address("168.63.129.16"),
        ip_address("192.0.0.192"),
        ip_address("fd00:ec2::254"),
    }
)
METADATA_NAMES = frozenset({"metadata", "metadata.google.internal", "metadata.goog"})
# IPv6 forms that carry an IPv4 address in their last four bytes.
NAT64 = ip_network("64:ff9b::/96")

type Address = IPv4Address | IPv6Address


class OutboundFailed(Exception):
    """A request was allowed and did not come through; the message is safe to show."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A checked address: connect to one of `addresses`, and to nothing else."""

    parts: SplitResult
    host: str
    port: int
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered; the body is cut at 64 kB."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def check_destination(url: str, *, param: str = "url") -> None:
    """Refuse an address that our servers must not call; raises InvalidRequest."""
    parts, host = _read(url, param)
    if settings.OUTBOUND_ALLOW_PRIVATE:
        # Any name may then mean a private address: asking the name server would decide nothing.
        literal = _literal(host)
        _check_addresses([literal] if literal else [], param)
        return
    _resolve(host, _port(parts, param), param)


def resolve(url: str, *, param: str = "url") -> Destination:
    """Check an address and return where its name leads now; raises InvalidRequest."""
    parts, host = _read(url, param)
    port = _port(parts, param)
    return Destination(parts, host, port, _resolve(host, port, param))


def post_json(url: str, body: bytes, headers: Mapping[str, str], timeout: float) -> Reply:
    """POST to a checked address within `timeout` seconds; redirects are answers, not followed.

    Raises InvalidRequest when the address is refused, OutboundFailed when the call fails.
    """
    destination = resolve(url)
    connection = _connection(destination, timeout)
    # The library's limit is for each read; this one is for the whole, whatever trickles in.
    watchdog = Timer(timeout, lambda: _abort(connection))
    watchdog.start()
    try:
        target = destination.parts._replace(scheme="", netloc="", fragment="").geturl() or "/"
        sent = {"content-type": "application/json", "user-agent": "llm-router", **headers}
        connection.request("POST", target, body, sent)
        answer = connection.getresponse()
        return Reply(answer.status, dict(answer.getheaders()), answer.read(MAX_REPLY_BYTES))
    except (OSError, HTTPException, ValueError) as error:
        raise OutboundFailed(f"the call failed: {type(error).__name__}") from error
    finally:
        watchdog.cancel()
        connection.close()


def _read(url: str, param: str) -> tuple[SplitResult, str]:
    if len(url) > MAX_URL_CHARACTERS or not url.isprintable() or " " in url or "\\" in url:
        raise InvalidRequest(_("This is not an address."), param=param)
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").rstrip(".")
    except ValueError as error:
        raise InvalidRequest(_("This is not an address."), param=param) from error
    if parts.scheme not in DEFAULT_PORTS or not host:
        raise InvalidRequest(_("The address must begin with http:// or https://."), param=param)
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest(_("The address must not hold a user or password."), param=param)
    if host in METADATA_NAMES:
        raise InvalidRequest(_("Addresses of the cloud's own services are refused."), param=param)
    return parts, host


def _port(parts: SplitResult, param: str) -> int:
    try:
        return parts.port or DEFAULT_PORTS[parts.scheme]
    except ValueError as error:
        raise InvalidRequest(_("This is not an address."), param=param) from error


def _resolve(host: str, port: int, param: str) -> tuple[str, ...]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        text = _("The name %(host)s cannot be resolved.") % {"host": host}
        raise InvalidRequest(text, param=param) from error
    texts = dict.fromkeys(str(item[4][0]).partition("%")[0] for item in found)
    _check_addresses([ip_address(text) for text in texts], param)
    return tuple(texts)


def _check_addresses(addresses: list[Address], param: str) -> None:
    """Refuse when any address is: a name with one good and one bad address is a trap."""
    for address in addresses:
        for meant in {address, _inner(address)}:
            if meant in METADATA_ADDRESSES:
                text = _("Addresses of the cloud's own services are refused.")
                raise InvalidRequest(text, param=param)
            if not settings.OUTBOUND_ALLOW_PRIVATE and not _is_public(meant):
                text = _("Addresses inside of private networks are refused.")
                raise InvalidRequest(text, param=param)


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inner(address: Address) -> Address:
    """Return the IPv4 address that some IPv6 addresses wrap, else the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _literal(host: str) -> Address | None:
    """Read a host that is a number, in any of the spellings that the system understands."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


class _PinnedConnection(HTTPConnection):
    """Connects to a checked address whatever the name means by now."""

    address = ""

    @override
    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self.timeout)


class _PinnedSecureConnection(HTTPSConnection):
    """The same with TLS: the certificate must still be that of the name."""

    address = ""

    @override
    def connect(self) -> None:
        plain = socket.create_connection((self.address, self.port), self.timeout)
        self.sock = _tls().wrap_socket(plain, server_hostname=self.host)


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def _connection(destination: Destination, timeout: float) -> HTTPConnection:
    is_secure = destination.parts.scheme == "https"
    kind = _PinnedSecureConnection if is_secure else _PinnedConnection
    connection = kind(destination.host, destination.port, timeout=timeout)
    connection.address = destination.addresses[0]
    return connection


def _abort(connection: HTTPConnection) -> None:
    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return
