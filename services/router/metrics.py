"""What the router counts."""

from prometheus_client import CollectorRegistry, Counter

from services.router.domain import Accepted, Judgement


class RouterMetrics:
    """Accepted by kind, refused by reason."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accepted = Counter("yizhan_router_accepted", "Messages accepted", ["kind"], registry=registry)
        self._refused = Counter("yizhan_router_refused", "Messages refused", ["reason"], registry=registry)

    def judged(self, judgement: Judgement) -> None:
        """Count one judgement."""
        if isinstance(judgement, Accepted):
            self._accepted.labels(judgement.message.kind()).inc()
        else:
            self._refused.labels(judgement.reason.value).inc()
