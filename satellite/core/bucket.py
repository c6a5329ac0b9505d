"""How often something may happen: a bucket of tokens that fills by the clock. The caller brings the time."""

from collections import OrderedDict
from collections.abc import Hashable


class TokenBucket:
    """Full at first: `burst` at once, and `rate_hz` a second from then on."""

    __slots__ = ("_at_s", "_burst", "_rate_hz", "_tokens")

    def __init__(self, rate_hz: float, burst: int) -> None:
        self._rate_hz, self._burst = rate_hz, burst
        self._tokens, self._at_s = float(burst), float("-inf")

    def take(self, at_s: float) -> bool:
        """Whether there is one, which is then gone."""
        # a clock that went back fills nothing
        passed_s = max(at_s - self._at_s, 0.0)
        self._tokens = min(self._tokens + passed_s * self._rate_hz, self._burst)
        self._at_s = at_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True


class TokenBuckets:
    """One each; who has not been there for longest is forgotten when there are more than `most`."""

    def __init__(self, rate_hz: float, burst: int, most: int) -> None:
        self._rate_hz, self._burst, self._most = rate_hz, burst, most
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()

    def take(self, who: Hashable, at_s: float) -> bool:
        """Whether there is one for this one."""
        if who not in self._buckets:
            self._buckets[who] = TokenBucket(self._rate_hz, self._burst)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(who)
        return self._buckets[who].take(at_s)
