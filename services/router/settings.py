"""What the router is told."""

from services.kit.settings import ServiceSettings


class RouterSettings(ServiceSettings, frozen=True, kw_only=True):
    """Settings of the router (路由)."""

    key_file: str  # the router's own key, encrypted PKCS#8: it signs the receipts
    key_passphrase_file: str
    replayers: tuple[str, ...] = ("operator",)  # broker users that may hand in again what others signed
    prefetch: int = 3000  # messages held at a time, most of them waiting for their receipts to go out together
    batch: int = 100  # messages verified in one call to the worker process
    worker: bool = True  # off: check signatures here, for several routers on so few cores that they share them anyway
    receipt_interval: float = 0.5  # seconds between two rounds of receipts under load; at idle there is no wait
    registry_grace: float = 1.0  # seconds to wait for the registry before an unknown sender is refused
