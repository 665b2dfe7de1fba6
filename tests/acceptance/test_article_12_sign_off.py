"""Art. 12: review and sign-off, by the unit's lead where important."""

import msgspec
import pytest

from services.cli.network.sample.client import CallError
from tests.network import Network
from tests.places import KUNSHAN


def content(**changes: object) -> str:
    fields = {
        "title": "样例：秋粮收购进度", "body": "【样例】全市秋粮收购进展顺利。", "category": "development",
        "sources": ["市发展改革委"],
    }  # fmt: skip
    return msgspec.json.encode(fields | changes).decode()


async def test_signed_off_report_is_accepted(network: Network) -> None:
    message = await network.submit(KUNSHAN, content())
    await network.receipt(KUNSHAN, message, "accepted")
    await network.receipt(KUNSHAN, message, "delivered")


async def test_unsigned_report_is_refused_at_the_gateway(network: Network) -> None:
    body = {"content": content(), "sign_offs": []}
    with pytest.raises(CallError) as refused:
        await network.people.call(KUNSHAN, "officer", "POST", f"/api/v1/nodes/{KUNSHAN}/reports", body)
    assert (refused.value.status, refused.value.code) == (422, "sign_off.missing")
