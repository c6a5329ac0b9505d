"""The two devices that a satellite hears and speaks by, and how they are. Pure."""

from dataclasses import dataclass, replace
from enum import StrEnum

from satellite.core.units import Millis


class Half(StrEnum):
    """Of the sound hardware; both may be one device."""

    MICROPHONE = "microphone"
    SPEAKER = "speaker"


class Condition(StrEnum):
    """How a device is."""

    OPENING = "opening"
    WORKING = "working"
    MISSING = "missing"
    STALLED = "stalled"
    SILENT = "silent"
    CLIPPING = "clipping"

    @property
    def is_lost(self) -> bool:
        """Whether it is closed, and tried again."""
        return self in (Condition.MISSING, Condition.STALLED)

    @property
    def is_trouble(self) -> bool:
        """Whether somebody has to see to it."""
        return self not in (Condition.OPENING, Condition.WORKING)


@dataclass(frozen=True, slots=True)
class Device:
    """One of them, by the name that the operator knows."""

    half: Half
    name: str
    condition: Condition = Condition.OPENING
    why: str = ""
    """Of what is not well."""
    since: Millis = Millis(0)
    """On the stream clock."""
    rate_hz: int = 0
    """When it was opened last; 0 before."""
    losses: int = 0

    def become(self, condition: Condition, at: Millis, why: str = "", rate_hz: int = 0) -> "Device":
        """As it is from now on. What was lost stays so since then, whatever else is found out about it."""
        is_new_loss = condition.is_lost and not self.condition.is_lost
        goes_on = condition is self.condition or (condition.is_lost and self.condition.is_lost)
        return replace(
            self,
            condition=condition,
            why=why,
            since=self.since if goes_on else at,
            rate_hz=rate_hz or self.rate_hz,
            losses=self.losses + is_new_loss,
        )

    def told(self, now: Millis) -> str:
        """For people: how it is, and for how long."""
        if not self.condition.is_trouble:
            return self.condition.value
        return f"{self.condition} for {max(now - self.since, 0) // 1000} s"
