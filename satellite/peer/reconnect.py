"""A connection that is made again and again: when it is tried next, and what the operator is told of it."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from satellite.errors import CertificateError, PeerError


class Reconnecting:
    """The attempts to stay connected to `who`; `lack` is what the operator misses meanwhile.

    An attempt that follows a connection of less than `steady_s` waits as if there had been none: twice as long as the last one,
    from `first_retry_s` to `most_retry_s`. However often a service comes and goes, the operator is told once, until it stays.
    """

    def __init__(
        self,
        log: logging.Logger,
        lack: str,
        who: str,
        first_retry_s: float,
        most_retry_s: float,
        steady_s: float,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log, self._lack, self._who, self._clock_s = log, lack, who, clock_s
        self._first_retry_s, self._most_retry_s, self._steady_s = first_retry_s, most_retry_s, steady_s
        self._failures = 0
        self._lost_at_s: float | None = None
        self._found_at_s: float | None = None
        # whether the operator wants to hear that it is back
        self._is_news = True

    async def keep(self, talk: Callable[[], Awaitable[None]]) -> None:
        """Has one connection after the other; `talk` is one, and only ends by an error."""
        while True:
            try:
                await talk()
            except (OSError, PeerError, UnicodeError) as error:
                self._lost(f"{error}" or type(error).__name__)
                if isinstance(error, CertificateError):
                    # the operator mends it, and needs more than seconds
                    await asyncio.sleep(self._most_retry_s)
            # whatever it was, a service that stays away for good is worse
            except Exception:
                self._log.exception("the client of %s failed; it tries again", self._who)
                self._lost("a fault of ours")
            await asyncio.sleep(min(self._first_retry_s * 2 ** min(self._failures - 1, 16), self._most_retry_s))

    def found(self) -> None:
        """It is here."""
        self._found_at_s = self._clock_s()
        away_s = 0.0 if self._lost_at_s is None else self._found_at_s - self._lost_at_s
        level = logging.INFO if self._is_news else logging.DEBUG
        self._log.log(level, "%s is here after %.1f s", self._who, away_s)
        self._lost_at_s, self._is_news = None, False

    def _lost(self, why: str) -> None:
        now_s = self._clock_s()
        if self._found_at_s is not None and now_s - self._found_at_s > self._steady_s:
            self._failures = 0
        self._found_at_s = None
        self._lost_at_s = now_s if self._lost_at_s is None else self._lost_at_s
        self._failures += 1
        # once: it may be away all night, or come and go
        self._is_news = self._is_news or self._failures == 1
        level = logging.WARNING if self._failures == 1 else logging.DEBUG
        self._log.log(level, "%s: %s: %s", self._lack, self._who, why)
