"""HTTP: the ledger and what is drafted from it, by subject."""

from services.kit.web.api import Endpoint
from services.scoring.views.bulletins import BulletinViews
from services.scoring.views.ledger import Explained, ExplainQuery, Explanation, LedgerViews, MonthTable, UnitLine
from services.scoring.views.papers import PaperViews
from services.scoring.views.records import RecordViews
from services.scoring.views.room import Room
from services.scoring.views.rules import RuleViews

__all__ = ["ExplainQuery", "Explained", "Explanation", "MonthTable", "Room", "UnitLine", "endpoints"]


def endpoints(room: Room) -> list[Endpoint]:
    """Return the table of operations."""
    views = (LedgerViews(room), RuleViews(room), BulletinViews(room), RecordViews(room), PaperViews(room))
    return [endpoint for each in views for endpoint in each.endpoints()]
