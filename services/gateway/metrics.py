"""What the gateway counts."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge


class GatewayMetrics:
    """The line, the backlog, and what should not happen."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._reused = Counter(
            "yizhan_gateway_reused_ids", "Other bytes under a known id, kept as evidence", registry=registry
        )
        self._unclaimed = Counter(
            "yizhan_gateway_unclaimed_entries", "Receipt entries about bytes not sent from here", registry=registry
        )
        self._slowed = Counter("yizhan_gateway_slowed_sign_ins", "Sign-ins answered 429", registry=registry)

    def odd(self, *, reused: int, unclaimed: int) -> None:
        """Count what was odd in a batch of arrivals."""
        self._reused.inc(reused)
        self._unclaimed.inc(unclaimed)

    def slowed(self) -> None:
        """Count a sign-in that was told to come back later."""
        self._slowed.inc()

    def watch(self, *, waiting: Callable[[], float], online: Callable[[], float]) -> None:
        """Show the backlog and the line as they are when asked for."""
        Gauge("yizhan_gateway_outbox", "Messages waiting for the broker", registry=self._registry).set_function(waiting)
        Gauge("yizhan_gateway_online", "1 while the line is up", registry=self._registry).set_function(online)
