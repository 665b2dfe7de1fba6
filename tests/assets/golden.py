"""Messages as they should be: one of every kind, and the reports that the regulation tells apart."""

from datetime import timedelta
from decimal import Decimal

from msgspec.structs import replace

from proto import codec
from proto.addresses import ROUTER_CODE
from proto.envelope import Envelope
from proto.messages import (
    Adjustment,
    AdjustmentLine,
    Appeal,
    Article,
    Bulletin,
    BulletinContent,
    BulletinItem,
    BulletinLine,
    BulletinType,
    Closure,
    DecidedItem,
    Designation,
    DesignationContent,
    Heartbeat,
    Importance,
    Instruction,
    KeyPoint,
    KeyPoints,
    Level,
    Message,
    Notice,
    NoticeType,
    Outcome,
    Progress,
    Publication,
    Reminder,
    Rules,
    Solicitation,
    Stage,
    Standing,
    Step,
    UnitClass,
    Urgency,
    Verdict,
    Wire,
)
from tests.world import HEAD_SIGNS, JIANGYIN, KUNSHAN, PROVINCE, REFORM, SUZHOU, WUXI, World

Sealed = tuple[Message, Envelope]


def golden_messages(world: World) -> dict[str, Sealed]:
    """Return good messages by name; each verifies at ``world.now``."""
    return {**_registry(world), **_reports(world), **_down(world)}


def _registry(world: World) -> dict[str, Sealed]:
    found: dict[str, Sealed] = {}
    for envelope in world.registry():  # the last of each kind
        message = codec.decode(envelope)
        found[message.kind()] = (message, envelope)
    return found


def _reports(world: World) -> dict[str, Sealed]:
    first = world.report(KUNSHAN)
    follow_up = world.report(KUNSHAN, about=first[0].id, stage=Stage.FOLLOW_UP)
    important = world.report(KUNSHAN, sign=HEAD_SIGNS, importance=Importance.IMPORTANT, urgency=Urgency.URGENT)
    joint = world.report(SUZHOU, research=True, joint=(WUXI, REFORM))
    forwarded = world.report(SUZHOU, about=None)[0]
    forwarded = replace(forwarded, forwarded=(first[1],))
    late = world.report(KUNSHAN, sent_at=world.now - timedelta(hours=6))
    return {
        "report": first,
        "report-follow-up": follow_up,
        "report-important": important,
        "report-joint-research": joint,
        "report-forwarded": (forwarded, world.seal(forwarded, SUZHOU)),
        "report-sent-six-hours-late": late,
        "report-after-rotation": world.report(JIANGYIN, key=world.new_key("320281/second")),
        "receipt": world.receipt(ROUTER_CODE, [KUNSHAN], [world.entry(*first, Outcome.ACCEPTED)]),
        "decision": world.decision(PROVINCE, [first[0]], verdict=Verdict.ADOPTED),
        "decision-merged": world.decision(SUZHOU, [first[0], important[0], forwarded], verdict=Verdict.MERGED),
        "decision-returned": world.decision(
            SUZHOU, [late[0]], verdict=Verdict.RETURNED, reason="【样例】请补充数据来源"
        ),
    }


def _down(world: World) -> dict[str, Sealed]:
    report = world.report(KUNSHAN)[0]
    head = {"origin": PROVINCE, "sent_at": world.now}
    deadline = world.now + timedelta(days=7)

    def from_province(kind: type[Message], **fields: object) -> Sealed:
        message = kind(id=world.new_id(), to=(KUNSHAN, SUZHOU), **head, **fields)
        return message, world.seal(message, PROVINCE)

    solicitation = from_province(
        Solicitation,
        number="2026-11",
        title="【样例】秋粮收购情况",
        body="【样例】请报送当地秋粮收购进度。",
        deadline=deadline,
    )
    progress = Progress(
        id=world.new_id(), origin=KUNSHAN, to=(PROVINCE,), sent_at=world.now, about=solicitation[0].id,
        step=Step.FED_BACK, person="officer", text="【样例】已报送", answer=report.id,
    )  # fmt: skip
    beat = heartbeat(world)
    item = BulletinItem(
        event=world.new_id(), report=report.id, rule="2026-1/points.province.daily", level=Level.PROVINCE,
        series="daily", issue="217", points=Decimal(3),
    )  # fmt: skip
    line = BulletinLine(
        unit=KUNSHAN, unit_class=UnitClass.DIRECT_REPORT, adopted=1, points=Decimal(3), corrections=Decimal("-1.5"),
        year_points=Decimal("51.25"), items=(item,), missed=("research",),
    )  # fmt: skip
    credited = DecidedItem(report=report.id, origin=KUNSHAN, share=Decimal(1))
    appeal = Appeal(
        id=world.new_id(), origin=KUNSHAN, to=(PROVINCE,), sent_at=world.now, month="2026-11", person="officer",
        text="【样例】请复核本月积分。",
    )  # fmt: skip

    def approved(kind: type[Message], content: str | Wire) -> Sealed:
        text = content if isinstance(content, str) else codec.encode(content).decode()
        return from_province(kind, content=text, approvals=(world.approval(PROVINCE, text),))

    return {
        "publication": from_province(
            Publication, series="daily", name="【样例】每日信息", organ="【样例】办公厅", issue="217", total=217,
            day="2026-11-20", articles=(Article(title="【样例】标题", body="【样例】正文", reports=(report.id,), units=(KUNSHAN,)),),
        ),
        "key_points": from_province(KeyPoints, month="2026-12", points=(KeyPoint(number=1, text="【样例】岁末保供稳价"),)),
        "solicitation": solicitation,
        "notice": from_province(
            Notice, type=NoticeType.TRAINING, title="【样例】业务培训", body="【样例】请报名。", sign_up_until=deadline
        ),
        "instruction": from_province(
            Instruction, about=report.id, level=Level.PROVINCE, items=(credited,), leader="【样例】领导", rank="省级",
            text="【样例】请研究推广。", deadline=deadline,
        ),
        "reminder": from_province(Reminder, about=solicitation[0].id, text="【样例】请尽快报送。", step=1),
        "closure": from_province(Closure, about=solicitation[0].id, accepted=progress.id),
        "progress": (progress, world.seal(progress, KUNSHAN)),
        "rules": approved(Rules, "# 【样例】计分规则"),
        "adjustment": from_province(
            Adjustment, about=appeal.id, person="lead", reason="【样例】复核属实",
            lines=(AdjustmentLine(unit=KUNSHAN, month="2026-11", rule="appeal", points=Decimal("0.5")),),
        ),
        "appeal": (appeal, world.seal(appeal, KUNSHAN)),
        "bulletin": approved(
            Bulletin,
            BulletinContent(
                type=BulletinType.MONTHLY, period="2026-11", lines=(line,), rules=("2026-1",), text="【样例】通报"
            ),
        ),
        "designation": approved(
            Designation,
            DesignationContent(
                unit=KUNSHAN, standing=Standing.DESIGNATED, effective_from="2027-01-01", grounds="【样例】全年采用居前"
            ),
        ),
        "heartbeat": (beat, world.seal(beat, KUNSHAN)),
    }  # fmt: skip


def heartbeat(world: World) -> Heartbeat:
    """Return the smallest message there is, from 昆山."""
    return Heartbeat(
        id=world.new_id(), origin=KUNSHAN, to=(PROVINCE,), sent_at=world.now, waiting=7, software="yizhan 0.1.0"
    )
