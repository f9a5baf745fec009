"""How much one socket may send: pure, times in, verdict out."""

from __future__ import annotations

RATE = 5.0          # events a second
BURST = 10.0        # that may come at once: a page that reconnects asks for several things
PATIENCE = 50       # refused ones, then the socket is cut


class Bucket:
    """Fills by RATE a second up to BURST; each event takes one."""

    def __init__(self, now: float):
        self.level, self.at, self.refused = BURST, now, 0

    def take(self, now: float) -> bool:
        self.level = min(BURST, self.level + max(0.0, now - self.at) * RATE)
        self.at = now
        if self.level < 1:
            self.refused += 1
            return False
        self.level -= 1
        return True

    @property
    def is_flood(self) -> bool:
        return self.refused >= PATIENCE
