"""All kinds of messages, as frozen structs."""

from proto.messages.base import Message, Wire
from proto.messages.down import (
    Article,
    Closure,
    Instruction,
    KeyPoint,
    KeyPoints,
    Notice,
    NoticeType,
    Progress,
    Publication,
    Reminder,
    Solicitation,
    Step,
)
from proto.messages.registry import (
    Algorithm,
    Directory,
    Heartbeat,
    Key,
    KeyRequest,
    Node,
    NodeKind,
    ResearchClass,
    Roster,
    Staff,
)
from proto.messages.report import (
    Action,
    Attachment,
    Category,
    DecidedItem,
    Decision,
    Importance,
    Level,
    Outcome,
    Override,
    PublicationRef,
    Receipt,
    ReceiptEntry,
    Report,
    ReportContent,
    Role,
    SignOff,
    Stage,
    Urgency,
    Verdict,
)
from proto.messages.scoring import (
    Adjustment,
    AdjustmentLine,
    Appeal,
    Approved,
    Bulletin,
    BulletinContent,
    BulletinItem,
    BulletinLine,
    BulletinType,
    Commendation,
    Designation,
    DesignationContent,
    Rules,
    Standing,
    UnitClass,
)

KINDS: dict[str, type[Message]] = {
    kind.kind(): kind
    for kind in (
        Report, Receipt, Decision, Publication, KeyPoints, Solicitation, Notice, Instruction,
        Reminder, Closure, Progress, Rules, Adjustment, Appeal, Bulletin, Designation, Directory, Roster, Heartbeat,
    )
}  # fmt: skip
"""Wire name → struct of every kind of message."""

__all__ = [
    "KINDS", "Action", "Adjustment", "AdjustmentLine", "Algorithm", "Appeal", "Approved", "Article", "Attachment", "Bulletin", "BulletinContent",
    "BulletinItem", "BulletinLine", "BulletinType", "Category", "Closure", "Commendation", "DecidedItem", "Decision",
    "Designation", "DesignationContent", "Directory", "Heartbeat", "Importance", "Instruction", "Key", "KeyPoint", "KeyPoints",
    "KeyRequest", "Level", "Message", "Node", "NodeKind", "Notice", "NoticeType", "Outcome", "Override", "Progress",
    "Publication", "PublicationRef", "Receipt", "ReceiptEntry", "Reminder", "Report", "ReportContent",
    "ResearchClass", "Role", "Roster", "Rules", "SignOff", "Solicitation", "Staff", "Stage", "Standing", "Step",
    "UnitClass", "Urgency", "Verdict", "Wire",
]  # fmt: skip
