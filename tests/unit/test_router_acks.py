"""Acknowledging many at once: never past the first that is not done."""

from hypothesis import given
from hypothesis import strategies as st

from services.router.acks import AckWindow


@given(st.permutations(range(1, 40)), st.data())
def test_every_ack_covers_exactly_what_is_done_without_a_gap(order: list[int], data: st.DataObject) -> None:
    window, done, acked = AckWindow(), set[int](), 0
    for tag in order:
        window.finish(tag)
        done.add(tag)
        if data.draw(st.booleans()):
            up_to = window.advance()
            expected = next(n for n in range(40) if n + 1 not in done)
            assert (up_to or acked) == expected
            assert up_to is None or up_to > acked
            acked = up_to or acked
    assert (window.advance() or acked) == len(order)
    assert window.advance() is None


def test_nothing_done_is_nothing_acked() -> None:
    window = AckWindow()
    assert window.advance() is None
    window.finish(2)
    assert window.advance() is None
    window.finish(1)
    assert window.advance() == 2
