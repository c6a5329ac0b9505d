"""When to try again what does not work: at once if it had worked for a while, and then more and more rarely."""

from satellite.core.units import Millis

# a USB device is back within this time
FIRST_RETRY_S = 0.2
# longer, and its owner has plugged it in again and waits
LONGEST_RETRY_S = 5.0


class BackOff:
    """Of one device. Times are of the stream clock."""

    def __init__(self) -> None:
        self._rest_s = FIRST_RETRY_S
        self._opened_at = self._due = Millis(0)

    def is_due(self, now: Millis) -> bool:
        """Whether to try."""
        return now >= self._due

    def opened(self, now: Millis) -> None:
        """It could be opened, which is no proof yet that it works."""
        self._opened_at = now

    def failed(self, now: Millis) -> float:
        """It could not be opened; how long it is left alone."""
        rest_s, self._rest_s = self._rest_s, min(self._rest_s * 2, LONGEST_RETRY_S)
        self._due = Millis(now + round(rest_s * 1000))
        return rest_s

    def lost(self, now: Millis) -> bool:
        """It has failed while it was open; whether it had worked for a while, so that it is tried at once."""
        # one that opens and fails at once is no better than one that does not open
        if now - self._opened_at < LONGEST_RETRY_S * 1000:
            self.failed(now)
            return False
        self._rest_s, self._due = FIRST_RETRY_S, now
        return True
