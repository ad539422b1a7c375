"""The serving port on a host in this process."""

from __future__ import annotations

from homeostat.domain.rollout import Routing
from homeostat.gateway.host import Host


class HostServing:
    """Implements :class:`homeostat.ports.serving.Serving`."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def route(self, routing: Routing) -> None:
        """Make ``routing`` take effect; ModelLoadError leaves the old one."""
        self._host.route(routing)

    def observe(self) -> Routing | None:
        """What is routed now, by the digests of the bytes in memory."""
        return self._host.observe()
