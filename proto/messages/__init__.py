"""All kinds of messages, as frozen structs."""

from proto.messages.base import Message, Wire
from proto.messages.down import (
    Bulletin,
    BulletinLine,
    BulletinType,
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

KINDS: dict[str, type[Message]] = {
    kind.kind(): kind
    for kind in (
        Report, Receipt, Decision, Publication, KeyPoints, Solicitation, Notice, Instruction,
        Reminder, Closure, Progress, Bulletin, Directory, Roster, Heartbeat,
    )
}  # fmt: skip
"""Wire name → struct of every kind of message."""

__all__ = [
    "KINDS", "Action", "Algorithm", "Attachment", "Bulletin", "BulletinLine", "BulletinType", "Category", "Closure",
    "DecidedItem", "Decision", "Directory", "Heartbeat", "Importance", "Instruction", "Key", "KeyPoint", "KeyPoints",
    "KeyRequest", "Message", "Node", "NodeKind", "Notice", "NoticeType", "Outcome", "Override", "Progress",
    "Publication", "PublicationRef", "Receipt", "ReceiptEntry", "Reminder", "Report", "ReportContent", "ResearchClass",
    "Role", "Roster", "SignOff", "Solicitation", "Staff", "Stage", "Step", "Urgency", "Verdict", "Wire",
]  # fmt: skip
