"""What every view needs, gathered once by ``app``."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web
from msgspec import Struct

from services.gateway.domain.throttle import Doorkeeper, Proxies
from services.gateway.handlers.arrivals import ReceiptWriter
from services.gateway.handlers.scores import Scores
from services.gateway.handlers.submit import Submitter
from services.gateway.metrics import GatewayMetrics
from services.gateway.secrets import Passwords
from services.gateway.settings import GatewaySettings
from services.gateway.store.accounts import Accounts
from services.gateway.store.inbox import Inbox
from services.gateway.store.intake import IntakeStore
from services.gateway.store.issues import IssueStore
from services.gateway.store.items import Items
from services.gateway.store.messages import Messages
from services.gateway.store.outbox import Outbox
from services.gateway.store.papers import Papers
from services.gateway.store.selections import Selections
from services.kit.batch import PacedSignal
from services.kit.bus import Bus
from services.kit.crypto import PrivateKey
from services.kit.db import Database
from services.kit.ids import Clock, NewId
from services.kit.registry import Registry
from services.kit.trust.state import TrustState
from services.kit.web.access import Access


class Desk(Struct, frozen=True, kw_only=True):
    """The gateway's parts."""

    settings: GatewaySettings
    db: Database
    items: Items
    inbox: Inbox
    messages: Messages
    intake: IntakeStore
    issues: IssueStore
    accounts: Accounts
    selections: Selections
    papers: Papers
    scores: Scores
    outbox: Outbox
    submitter: Submitter
    receipts: ReceiptWriter
    receipts_due: PacedSignal
    registry: Registry
    keys: Mapping[str, PrivateKey]
    passwords: Passwords
    doorkeeper: Doorkeeper
    proxies: Proxies
    metrics: GatewayMetrics
    access: Access
    bus: Bus
    clock: Clock
    new_id: NewId

    @property
    def state(self) -> TrustState:
        """The trust state."""
        return self.registry.state


DESK: Final = web.AppKey("desk", Desk)
