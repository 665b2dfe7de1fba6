"""The scoring schema: named SQL ↔ domain types."""

from services.scoring.store.awaiting import Awaiting
from services.scoring.store.reading import Answered, LedgerLine, Reading, Totals
from services.scoring.store.recording import Batch, Recorded, Recording
from services.scoring.store.rulebooks import Rulebooks

__all__ = ["Answered", "Awaiting", "Batch", "LedgerLine", "Reading", "Recorded", "Recording", "Rulebooks", "Totals"]
