"""What the gateway is told."""

from services.kit.settings import ServiceSettings


class GatewaySettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of a gateway (网关)."""

    nodes: tuple[str, ...]  # codes of the units hosted here
    keys_dir: str  # <code>.pem: the units' keys, encrypted PKCS#8
    key_passphrase_file: str  # the machine secret of those keys
    access_file: str  # tokens of tools and operators
    scoring_url: str = ""  # of the scoring service, which is asked before a hub's paper is approved; "" asks nobody
    scoring_token_file: str = ""  # the token that stands there for the units hosted here
    session_hours: float = 12.0
    trusted_proxies: str = ""  # addresses or networks, by commas, whose X-Forwarded-For tells who signs in
    inflight: int = 100  # confirms in flight, at most one per unit so that each unit's order holds
    outbox_limit: int = 200_000  # messages waiting; past it submissions answer 503
    receipt_interval: float = 2.0  # seconds between two rounds of delivery receipts under load
    prefetch: int = 500
    batch: int = 250
    password_workers: int = 2  # password and key checks at a time, each about 20 MB
