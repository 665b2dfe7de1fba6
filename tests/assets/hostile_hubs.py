"""Hostile inputs that only a hub can send: forwarded originals (转报), and what its lead must approve."""

from msgspec.structs import replace

from proto import codec
from proto.envelope import Envelope
from proto.errors import Reason
from proto.messages import Bulletin, BulletinContent, BulletinType, Role, Rules
from tests.assets.flaw import Flaw, resigned, sealed
from tests.world import KUNSHAN, PROVINCE, SUZHOU, WUXI, World


def hostile_hubs(world: World) -> dict[str, Flaw]:
    """Return flaws of hubs by name."""
    return {**_forwarded(world), **_approved(world)}


def _forwarded(world: World) -> dict[str, Flaw]:
    original, good = world.report(KUNSHAN)
    own, _ = world.report(SUZHOU)
    why = Reason.REPORT_FORWARDED

    def carrying(envelope: Envelope, said: str) -> Flaw:
        return sealed(world.seal(replace(own, forwarded=(good, envelope)), SUZHOU), why, said)

    return {
        "forwarded-unsigned": carrying(resigned(good), "the second original lost its signature"),
        "forwarded-not-signed-off": carrying(world.report(KUNSHAN, sign=())[1], "nobody at the county approved it"),
        "forwarded-by-another-hub": carrying(world.report(WUXI)[1], "it was never sent to this city"),
        "forwarded-twice-over": carrying(
            world.seal(replace(original, forwarded=(good,)), KUNSHAN), "an original inside an original"
        ),
    }


def _approved(world: World) -> dict[str, Flaw]:
    text = codec.encode(
        BulletinContent(type=BulletinType.MONTHLY, period="2026-10", lines=(), rules=(), text="【样例】通报")
    ).decode()

    def bulletin(content: str, *approvals: Envelope) -> Envelope:
        message = Bulletin(
            id=world.new_id(), origin=PROVINCE, to=(SUZHOU,), sent_at=world.now, content=content, approvals=approvals
        )
        return world.seal(message, PROVINCE)

    lead = world.approval(PROVINCE, text)
    editor = world.approval(PROVINCE, text, "editor", Role.EDITOR)
    rules = Rules(
        id=world.new_id(), origin=PROVINCE, to=(SUZHOU,), sent_at=world.now, content="# 【样例】改动后的规则",
        approvals=(world.approval(PROVINCE, "# 【样例】规则"),),
    )  # fmt: skip
    cut = text[:-1]
    return {
        "bulletin-without-lead": sealed(bulletin(text, editor), Reason.SIGN_OFF_MISSING, "approved by an editor only"),
        "bulletin-changed-after-approval": sealed(
            bulletin(text.replace("通报", "通告"), lead), Reason.SIGN_OFF_DIGEST, "one character was changed later"
        ),
        "bulletin-cut-short": sealed(
            bulletin(cut, world.approval(PROVINCE, cut)), Reason.PAYLOAD_MALFORMED, "its last brace is missing"
        ),
        "rules-changed-after-approval": sealed(
            world.seal(rules, PROVINCE), Reason.SIGN_OFF_DIGEST, "the lead approved other rules"
        ),
    }
