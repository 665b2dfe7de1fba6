"""A month of the whole province, every item listed, fits one message (Art. 13)."""

from decimal import Decimal

from proto import codec
from proto.envelope import unpack
from proto.limits import MAX_ENVELOPE_BYTES
from proto.messages import Bulletin, BulletinContent, BulletinItem, BulletinLine, BulletinType, Level, UnitClass
from services.kit.ids import new_id, utc_now
from tests.places import PROVINCE, SUZHOU
from tests.world import World

ITEMS, UNITS = 5_000, 148


def test_five_thousand_items_fit() -> None:
    world = World.make(utc_now())
    items = [
        BulletinItem(
            event=new_id(), report=new_id(), rule="2026-1/points.province.daily", level=Level.PROVINCE, series="daily",
            issue="2026-012", points=Decimal("3.0000"),
        )
        for _ in range(ITEMS)
    ]  # fmt: skip
    lines = tuple(
        BulletinLine(
            unit=SUZHOU, unit_class=UnitClass.CITY, adopted=len(mine), points=Decimal("101.3333"),
            corrections=Decimal("-1.5"), year_points=Decimal("1234.5000"), items=tuple(mine),
        )
        for mine in (items[number::UNITS] for number in range(UNITS))
    )  # fmt: skip
    content = BulletinContent(
        type=BulletinType.MONTHLY, period="2026-10", lines=lines, rules=("2026-1",), text="【样例】"
    )
    text = codec.encode(content).decode()
    bulletin = Bulletin(
        id=new_id(), origin=PROVINCE, to=(SUZHOU,), sent_at=world.now, content=text,
        approvals=(world.approval(PROVINCE, text),),
    )  # fmt: skip
    packed = world.seal(bulletin, PROVINCE).packed()
    assert len(packed) < MAX_ENVELOPE_BYTES, len(packed)
    found = codec.decode(unpack(packed))
    assert isinstance(found, Bulletin)
    assert codec.decode_approved(found) == content
