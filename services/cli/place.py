"""Where one machine's network lives: the var folder, its secrets and its ports."""

import os
from pathlib import Path
from typing import Final

from deploy.embedded.folder import default_var
from deploy.embedded.ports import Ports
from deploy.embedded.rabbitmq_config import VHOST
from services.kit.settings import secret

ROOT: Final = Path(__file__).resolve().parents[2]


class Place:
    """The var folder and what lies in it."""

    def __init__(self, var: Path, ports: Ports) -> None:
        self.var: Final = var
        self.ports: Final = ports
        self.config: Final = var / "yizhan.toml"  # settings of the four services
        self.secrets: Final = var / "secrets"
        self.keys: Final = var / "keys"  # nodes/<code>.pem, router.pem, root.pem
        self.pinned: Final = var / "root.json"  # public root keys
        self.registry: Final = var / "registry"  # directory.json and rosters/<code>.json as DSSE JSON
        self.accounts: Final = var / "secrets" / "accounts.json"  # staff: hashed passwords, encrypted keys
        self.access: Final = var / "secrets" / "access.json"  # hashes of tools' tokens
        self.scoring_access: Final = var / "secrets" / "scoring-access.json"  # these, and the gateway's own
        self.scoring_token: Final = var / "secrets" / "scoring-token"  # by which the gateway asks the scoring service
        self.operator_token: Final = var / "secrets" / "operator-token"
        self.demo_password: Final = var / "secrets" / "demo-password"

    @classmethod
    def here(cls) -> "Place":
        """Return the place that the environment names, else the usual one (``default_var``)."""
        return cls(Path(os.environ.get("YIZHAN_VAR") or default_var(ROOT)), Ports.from_environment(os.environ))

    @property
    def made(self) -> bool:
        """Tell whether a network was made here, to the end."""
        return self.config.exists()

    def url(self, service: str) -> str:
        """Return a service's HTTP address."""
        return f"http://127.0.0.1:{getattr(self.ports, service)}"

    def operator(self) -> str:
        """Return the operator's token."""
        return secret(str(self.operator_token))

    def amqp_url(self, user: str) -> str:
        """Return the private broker's URL for one of its users."""
        return f"amqp://{user}:{self.broker_password(user)}@127.0.0.1:{self.ports.amqp}/{VHOST}"

    def broker_password(self, user: str) -> str:
        """Return the password of a broker user (gateway, router, scoring, archive, operator)."""
        return secret(str(self.secrets / f"amqp-{user}"))
