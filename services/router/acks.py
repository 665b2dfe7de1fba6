"""Acknowledging many deliveries at once: only up to the first that is not done."""

import heapq


class AckWindow:
    """Remembers which delivery tags are done; tags of one channel count 1, 2, 3, …"""

    def __init__(self) -> None:
        self._done: list[int] = []
        self._acked = 0

    def finish(self, tag: int) -> None:
        """Mark one delivery as done."""
        heapq.heappush(self._done, tag)

    def advance(self) -> int | None:
        """Return the tag up to which everything is now done, or None where nothing new is."""
        before = self._acked
        while self._done and self._done[0] == self._acked + 1:
            self._acked = heapq.heappop(self._done)
        return self._acked if self._acked > before else None
