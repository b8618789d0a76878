"""Loopback ports for servers that must be told one."""

import socket

LOOPBACK = "127.0.0.1"
LOOPBACK6 = "::1"


def free_port() -> int:
    """Find a port that nobody listens on now, neither by IPv4 nor by IPv6 where there is IPv6."""
    while True:
        with socket.create_server((LOOPBACK, 0)) as listener:
            port: int = listener.getsockname()[1]
        if not has_ipv6() or is_free(LOOPBACK6, port):
            return port


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, port), family=family):
            return True
    except OSError:
        return False


def has_ipv6() -> bool:
    """Whether this machine has an IPv6 loopback address."""
    return is_free(LOOPBACK6, 0)
