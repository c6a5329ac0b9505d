"""What is said to a broker and heard of it, and how long that may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MqttRule:
    """How long it may take, and what is kept for the broker."""

    first_retry_s: float = 1.0
    most_retry_s: float = 30.0
    # a connection that held so long was good; one that breaks sooner is tried as if there had been none
    steady_s: float = 10.0
    # for every answer of the broker
    answer_s: float = 5.0
    # the broker says that we are gone after one and a half of these
    keep_alive_s: int = 30
    # more than there are topics
    queue: int = 100
    # at the end of the service: to say that we go
    goodbye_s: float = 2.0


@dataclass(frozen=True, slots=True)
class Told:
    """To be told to a topic; `is_kept` has the broker retain it."""

    topic: str
    payload: str
    is_kept: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """From a topic; `was_kept` if it was there before us."""

    topic: str
    payload: bytes
    was_kept: bool
