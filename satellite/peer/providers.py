"""Who is asked in a conversation without a hub."""

from dataclasses import dataclass, field

from satellite.core.preemptive import Preemptive
from satellite.peer.dialog import DialogRule
from satellite.peer.request import RequestRule
from satellite.peer.servers import Servers
from satellite.peer.services import Voice
from satellite.peer.tts import TtsRule


@dataclass(frozen=True, slots=True)
class Providers:
    """Who does what, in which language and whose voice."""

    stt: Servers
    dialog: Servers
    tts: Servers
    intent: Servers | None = None
    language: str | None = None
    model: str | None = None
    voice: Voice = Voice()
    preemptive: Preemptive = Preemptive.NEVER
    # after that nobody remembers what was said before
    conversation_s: float = 300.0
    # before the same speech-to-text server is asked once more
    retry_s: float = 0.25
    request: RequestRule = field(default_factory=RequestRule)
    dialog_rule: DialogRule = field(default_factory=DialogRule)
    tts_rule: TtsRule = field(default_factory=TtsRule)

    @property
    def all(self) -> list[Servers]:
        """Of every kind that is asked."""
        return [servers for servers in (self.stt, self.intent, self.dialog, self.tts) if servers is not None]
