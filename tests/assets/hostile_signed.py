"""Hostile inputs that are well-formed: wrong keys, wrong times, wrong senders, wrong sign-offs."""

from datetime import timedelta

from msgspec.structs import replace

from proto import codec
from proto.addresses import ROUTER_CODE
from proto.envelope import Signature, seal
from proto.errors import Reason
from proto.messages import Action, Importance, Role
from tests.assets.flaw import Flaw, content_with, flipped, report_with, resigned, sealed, typed
from tests.assets.golden import heartbeat
from tests.assets.vector_world import WUXI_GATEWAY
from tests.world import BEIJING, FARMING, JIANGYIN, KUNSHAN, LEAD_SIGNS, REFORM, SUZHOU, WUXI, ZHANGJIAGANG, World


def hostile_signed(world: World) -> dict[str, Flaw]:
    """Return flaws of authority by name."""
    return {**_signatures(world), **_senders(world), **_contents(world), **_sign_offs(world), **_signers(world)}


def _signatures(world: World) -> dict[str, Flaw]:
    beat = heartbeat(world)
    good = world.seal(beat, KUNSHAN)
    own = good.signatures[0]
    stranger = world.new_key("stranger")
    place = good.payload.index(b'"waiting":7') + len(b'"waiting":')
    invalid = Reason.SIGNATURE_INVALID
    both = seal("heartbeat", good.payload, [world.node_keys[KUNSHAN], world.node_keys[SUZHOU]])
    return {
        "bit-flip-payload": sealed(
            replace(good, payload=flipped(good.payload, place)), invalid, "seven became six after signing"
        ),
        "bit-flip-signature": sealed(resigned(good, Signature(own.keyid, flipped(own.sig, 40))), invalid, "one bit of it"),
        "empty-signature": sealed(resigned(good, Signature(own.keyid, b"")), invalid, "a signature of no bytes"),
        "long-signature": sealed(resigned(good, Signature(own.keyid, own.sig + b"\0")), invalid, "a byte too many"),
        "signature-without-pae": sealed(
            resigned(good, Signature(own.keyid, world.node_keys[KUNSHAN].sign(good.payload))), invalid,
            "covers the payload without its type",
        ),
        "no-signature": sealed(resigned(good), Reason.SIGNATURE_MISSING, "nobody signed"),
        "wrong-keyid": sealed(
            resigned(good, Signature("0" * 64, own.sig)), Reason.KEY_UNKNOWN, "the key id leads nowhere"
        ),
        "unknown-key": sealed(world.seal(beat, KUNSHAN, key=stranger), Reason.KEY_UNKNOWN, "a key of nobody"),
        "staff-key-for-node": sealed(
            world.seal(beat, KUNSHAN, key=world.staff_keys[KUNSHAN, "lead"]), Reason.KEY_UNKNOWN, "a person's key signs for the unit"
        ),
        "root-key-for-node": sealed(world.seal(beat, KUNSHAN, key=world.root), Reason.KEY_UNKNOWN, "the root is no unit"),
        "other-units-key": sealed(
            world.seal(beat, KUNSHAN, key=world.node_keys[SUZHOU]), Reason.KEY_NOT_OF_ORIGIN, "the city signs for the county"
        ),
        "second-signature-of-another": sealed(both, Reason.KEY_NOT_OF_ORIGIN, "every signature must be the origin's"),
    }  # fmt: skip


def _senders(world: World) -> dict[str, Flaw]:
    hour = timedelta(hours=1)
    beat = heartbeat(world)

    def from_node(code: str, expect: Reason, why: str, sent_at_hours: float = 0, **more: object) -> Flaw:
        message = replace(beat, id=world.new_id(), origin=code, sent_at=world.now + sent_at_hours * hour)
        return sealed(world.seal(message, KUNSHAN if code not in world.node_keys else code), expect, why, **more)

    years = timedelta(days=800)
    return {
        "unknown-node": from_node("320999", Reason.UNKNOWN_NODE, "a unit that is not in the directory"),
        "suspended-node": from_node(FARMING, Reason.NODE_SUSPENDED, "a unit that was suspended"),
        "wrong-gateway": from_node(WUXI, Reason.WRONG_GATEWAY, "through a gateway that may not speak for it"),
        "no-gateway": from_node(KUNSHAN, Reason.WRONG_GATEWAY, "the broker was not told who sends", user_id=""),
        "other-gateway": from_node(
            KUNSHAN, Reason.WRONG_GATEWAY, "a gateway speaks for another's", user_id=WUXI_GATEWAY
        ),
        "revoked-key": from_node(ZHANGJIAGANG, Reason.KEY_REVOKED, "the key was revoked an hour ago"),
        "revoked-key-back-dated": from_node(
            ZHANGJIAGANG, Reason.KEY_REVOKED, "signed with a date before the revocation, received after it", -48
        ),
        "expired-key": from_node(JIANGYIN, Reason.KEY_NOT_VALID, "the key was replaced twelve hours ago"),
        "back-dated": from_node(KUNSHAN, Reason.KEY_NOT_VALID, "sent before the key was valid", -24 * 31),
        "far-past": from_node(KUNSHAN, Reason.KEY_NOT_VALID, "sent in the year 1926", -24 * 365.2425 * 100),
        "future-date": from_node(KUNSHAN, Reason.SENT_IN_FUTURE, "sent in an hour", 1),
        "expired-directory": from_node(
            KUNSHAN, Reason.DIRECTORY_EXPIRED, "the directory is out of date", now=world.now + years
        ),
        "no-directory": from_node(KUNSHAN, Reason.NO_DIRECTORY, "no directory was received yet", registry=False),
    }


def _contents(world: World) -> dict[str, Flaw]:
    def content(expect: Reason, why: str, old: str, new: str) -> Flaw:
        def change(text: str) -> str:
            assert old in text, old
            return text.replace(old, new, 1)

        return sealed(content_with(world, change), expect, why)

    category, invalid = '"category":"experience"', Reason.REPORT_INVALID
    first = world.report(KUNSHAN)[0]
    title = '"title":"【样例】昆山市推行企业开办“一日办结”"'
    sources = '"sources":["【样例】市行政审批局统计"]'
    event = '"event_at":"2026-11-20T03:00:00Z"'
    research = '"research":false,"joint":[]'

    def joint(expect: Reason, why: str, *units: str, marked: str = "true") -> Flaw:
        listed = ",".join(f'"{unit}"' for unit in units)
        return content(expect, why, research, f'"research":{marked},"joint":[{listed}]')

    return {
        "content-not-json": sealed(content_with(world, lambda _: "【样例】"), invalid, "the content is plain text"),
        "content-empty": sealed(content_with(world, lambda _: ""), invalid, "there is no content"),
        "no-category": content(Reason.REPORT_NO_CATEGORY, "not classified (Art. 9)", category + ",", ""),
        "unknown-category": content(Reason.REPORT_NO_CATEGORY, "a sixth category", category, '"category":"gossip"'),
        "content-unknown-field": content(Reason.PAYLOAD_UNKNOWN_FIELD, "a field too many", category, category + ',"x":1'),
        "content-naive-time": content(Reason.PAYLOAD_NAIVE_TIME, "an event without a zone", event, event.replace("Z", "")),
        "content-year-one": content(invalid, "an event that no other zone can express", event, '"event_at":"0001-01-01T00:00:00+14:00"'),
        "content-no-title": content(invalid, "an empty title", title, '"title":""'),
        "content-no-source": content(invalid, "no source for the facts (Art. 2)", sources, '"sources":[]'),
        "content-nul": content(invalid, "U+0000 inside the body", '"body":"', '"body":"\\u0000'),
        "content-enum-that-says-timezone": content(
            invalid, "a value that reads like an error message", '"stage":"first"', '"stage":"timezone unknown field"'
        ),
        "joint-without-research": joint(Reason.REPORT_JOINT, "joint units of what is no research (Art. 10)", WUXI, marked="false"),
        "joint-unit-twice": joint(Reason.REPORT_JOINT, "one unit would stand twice", WUXI, REFORM, WUXI),
        "joint-with-itself": joint(Reason.REPORT_JOINT, "the reporting unit as its own partner", WUXI, KUNSHAN),
        "joint-unknown-unit": joint(Reason.REPORT_JOINT_UNKNOWN, "a partner that is not in the directory", "320999"),
        "joint-service": joint(Reason.REPORT_JOINT_UNKNOWN, "the network's own service is no unit", ROUTER_CODE),
        "joint-too-many": joint(invalid, "eleven partners", *(f"3201{number:02}" for number in range(11))),
        "joint-no-code": joint(invalid, "a wildcard as partner", "32*"),
        "follow-up-of-nothing": sealed(
            content_with(world, lambda text: text.replace('"stage":"first"', '"stage":"follow_up"')), Reason.REPORT_CHAIN,
            "a follow-up that names no report (Art. 8)",
        ),
        "first-of-something": sealed(
            world.seal(replace(first, about=first.id), KUNSHAN), Reason.REPORT_CHAIN, "a first report that names another"
        ),
    }  # fmt: skip


def _sign_offs(world: World) -> dict[str, Flaw]:
    report, _ = world.report(KUNSHAN)
    reviewed, approved = report.sign_offs
    other = world.sign_off(KUNSHAN, world.content(title="【样例】另一件"), *LEAD_SIGNS[1])
    twice = resigned(approved, *approved.signatures, *approved.signatures)
    signature = approved.signatures[0]
    broken = resigned(approved, Signature(signature.keyid, flipped(signature.sig, 3)))
    retyped = typed(approved, "report")
    invalid, missing = Reason.SIGN_OFF_INVALID, Reason.SIGN_OFF_MISSING
    garbage = seal(codec.SIGN_OFF_KIND, b'{"digest":"\xff"}', [world.staff_keys[KUNSHAN, "lead"]])
    changed = replace(report, content=report.content.replace("一成", "两成"))
    important = world.report(KUNSHAN, importance=Importance.IMPORTANT)[1]
    return {
        "no-sign-off": sealed(report_with(world, report), missing, "neither reviewed nor approved (Art. 12)"),
        "not-reviewed": sealed(report_with(world, report, approved), missing, "approved without review"),
        "not-approved": sealed(report_with(world, report, reviewed), missing, "reviewed, never approved"),
        "important-without-unit-lead": sealed(important, Reason.SIGN_OFF_NOT_UNIT_LEAD, "important, approved by the office lead only"),
        "sign-off-digest-mismatch": sealed(report_with(world, report, reviewed, other), Reason.SIGN_OFF_DIGEST, "approves another report"),
        "content-changed-after-sign-off": sealed(world.seal(changed, KUNSHAN), Reason.SIGN_OFF_DIGEST, "one character was changed later"),
        "sign-off-bit-flip": sealed(report_with(world, report, reviewed, broken), invalid, "one bit of the signature"),
        "sign-off-twice-signed": sealed(report_with(world, report, reviewed, twice), invalid, "two signatures on one statement"),
        "sign-off-unsigned": sealed(report_with(world, report, reviewed, resigned(approved)), invalid, "no signature on the statement"),
        "sign-off-of-another-type": sealed(report_with(world, report, reviewed, retyped), invalid, "a statement that calls itself a report"),
        "sign-off-bad-utf8": sealed(report_with(world, report, reviewed, garbage), invalid, "a statement that is no UTF-8"),
    }  # fmt: skip


def _signers(world: World) -> dict[str, Flaw]:
    hour = timedelta(hours=1)
    report, _ = world.report(KUNSHAN)
    reviewed, _ = report.sign_offs
    lead = (Role.OFFICE_LEAD, Action.APPROVED)

    def approved_by(
        person: str, expect: Reason, why: str, hours: float = 0, role: Role = Role.OFFICE_LEAD, key: str = ""
    ) -> Flaw:
        signer = world.staff_keys.get((KUNSHAN, key or person)) or world.new_key("stranger")
        at = world.now + hours * hour
        approval = world.sign_off(KUNSHAN, report.content, person, role, Action.APPROVED, at=at, key=signer)
        return sealed(report_with(world, report, reviewed, approval), expect, why)

    elsewhere = world.sign_off(KUNSHAN, report.content, "lead", *lead, key=world.staff_keys[SUZHOU, "lead"])
    key, office = Reason.SIGN_OFF_KEY, Reason.SIGN_OFF_NOT_IN_OFFICE
    return {
        "sign-off-of-unknown-person": approved_by("nobody", Reason.SIGN_OFF_PERSON, "not on the roster"),
        "sign-off-with-anothers-key": approved_by("lead", key, "the officer signs as the lead", key="officer"),
        "sign-off-with-unknown-key": approved_by("lead", key, "a key of nobody", key="stranger"),
        "sign-off-with-key-of-other-unit": sealed(report_with(world, report, reviewed, elsewhere), key, "the city's lead for the county's"),
        "role-not-held": approved_by("officer", Reason.SIGN_OFF_ROLE, "the officer approves as the lead"),
        "sign-off-back-dated": approved_by("lead", office, "dated before the person took office", -24 * 31),
        "sign-off-after-sending": approved_by("lead", Reason.SIGN_OFF_TIME, "dated an hour after the report", 1),
        "leaver": sealed(world.report(REFORM)[1], office, "the lead left ten days ago"),
        "sign-off-revoked-key": sealed(world.report(BEIJING)[1], Reason.SIGN_OFF_KEY_REVOKED, "the lead's key was revoked"),
    }  # fmt: skip
