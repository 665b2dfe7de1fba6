"""What the scoring service is told."""

from services.kit.settings import ServiceSettings


class ScoringSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the scoring service (计分)."""

    access_file: str  # JSON: hash of a bearer token → the nodes whose rights it has
    batch: int = 200  # messages recorded in one transaction
    registry_grace: float = 1.0  # seconds to wait in place for the registry to introduce a key or a unit
    paper_patience: float = 5.0  # seconds to wait for a hub's last paper before the next one is checked
    registry_patience: float = 60.0  # seconds of trying again after which what it has not introduced is parked
