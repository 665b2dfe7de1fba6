"""Names that many commands share."""

from typing import Final

SERVICES: Final = ("gateway", "router", "scoring", "archive")
"""The four services, as people list them; they start in the opposite order, the gateway last."""
