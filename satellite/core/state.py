"""The states of a conversation, and why it changes them."""

from enum import StrEnum


class State(StrEnum):
    """Where a conversation stands."""

    OFFLINE = "offline"
    IDLE = "idle"
    LISTENING = "listening"
    PROCESSING = "processing"
    SPEAKING = "speaking"
    HELD = "held"
    MUTED = "muted"

    @property
    def public(self) -> str:
        """As observers see it: a reply that is held is still being spoken."""
        return State.SPEAKING.value if self is State.HELD else self.value


class Why(StrEnum):
    """What brought a change of state about."""

    CONNECTED = "connected"
    DISCONNECTED = "disconnected"
    MUTED = "muted"
    WAKE_WORD = "wake word"
    LISTEN = "asked to listen"
    END_OF_SPEECH = "end of speech"
    MORE_SPEECH = "more speech"
    ANSWER = "answer"
    ANNOUNCEMENT = "announcement"
    SAY = "asked to say something"
    FOLLOW_UP = "follow-up"
    VOICE = "voice over the reply"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"
    FALSE_ALARM = "false alarm"
    FINISHED = "finished"
    NOTHING_SAID = "nothing said"
    NO_ANSWER = "nothing to answer"
    HUB_ERROR = "error from the server"
    TIME_LIMIT = "time limit"
    DEVICE_LOST = "sound device lost"
    SHUTDOWN = "shutdown"


class Stage(StrEnum):
    """Where the hub's run stands, as far as it has told us."""

    NONE = "none"
    ABORTING = "aborting"
    WAKING = "waking"
    ASKED = "asked"
    HEARING = "hearing"
    THINKING = "thinking"

    @property
    def is_alive(self) -> bool:
        """Whether a new run would find this one running, and leave the hub deaf."""
        return self not in (Stage.NONE, Stage.ABORTING)
