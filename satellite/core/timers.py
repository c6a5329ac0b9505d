"""What a hub tells of the timers that it keeps for us. It does not ring: that is the satellite's part."""

from dataclasses import dataclass
from enum import StrEnum


class TimerChange(StrEnum):
    """What has become of a timer."""

    STARTED = "started"
    UPDATED = "updated"
    CANCELLED = "cancelled"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Timer:
    """News of one timer. Only a start tells the name, and only a start and an update the seconds that are left."""

    change: TimerChange
    id: str
    name: str = ""
    left_s: int | None = None
    is_active: bool = True
    """Whether it runs; it may be paused."""
