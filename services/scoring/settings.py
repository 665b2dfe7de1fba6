"""What the scoring service is told."""

from services.kit.settings import ServiceSettings


class ScoringSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the scoring service (计分)."""

    access_file: str  # JSON: hash of a bearer token → the nodes whose rights it has
    rules_dir: str  # folder of rule files, one version of the rule set in each *.toml
    batch: int = 200  # decisions recorded in one transaction
    registry_grace: float = 1.0  # seconds to wait for the registry before an unknown key or unit is final
