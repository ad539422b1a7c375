"""A port that nobody listens on now."""

import socket


def free_port() -> int:
    """Its number."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
