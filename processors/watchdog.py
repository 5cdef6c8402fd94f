"""A worker that makes no progress says where all its threads stand, and ends: whoever runs it starts it anew."""

import faulthandler
import time
from typing import Final

STUCK_SECONDS: Final = 60
"""A worker that has records to deal with, and got nowhere for this long, is stuck."""

AFTER_DELIVERY_SECONDS: Final = 15
"""How much longer than Kafka may take for a batch the watchdog waits."""
STANDARD_ERROR: Final = 2


class Watchdog:
    """Told of every step forward. When none comes the process ends with status 1, even if no Python can run in it any more.

    The stacks go to standard error before: names of files and functions, and no content.
    """

    def __init__(self, delivery_seconds: float = 0) -> None:
        """Wait for STUCK_SECONDS, and for longer than Kafka may take to acknowledge a batch."""
        self.seconds = max(STUCK_SECONDS, delivery_seconds + AFTER_DELIVERY_SECONDS)
        self.progressed_at = time.monotonic()
        """When the last step forward was made, in seconds of the monotonic clock."""

    def step(self) -> None:
        """Note a step forward; the next one is due within the time."""
        self.progressed_at = time.monotonic()
        faulthandler.dump_traceback_later(self.seconds, exit=True, file=STANDARD_ERROR)

    def rest(self) -> None:
        """Note that there is nothing to do: no step is due."""
        self.progressed_at = time.monotonic()
        faulthandler.cancel_dump_traceback_later()
