"""A wake word service elsewhere, and what of the microphone it is sent: all of it, or, behind the gate, what is near a voice."""

from collections.abc import Callable

from satellite.config import Wake
from satellite.core.events import VoiceWindow
from satellite.core.state import State
from satellite.core.units import Frames, Millis
from satellite.core.voice_gate import VoiceGate
from satellite.peer.wake_client import WakeClient
from satellite.trust import Trust


class RemoteWake:
    """Of `wake.uri`; without one it does nothing."""

    def __init__(self, wake: Wake, on_wake: Callable[[str, Frames], None], trust: Trust | None = None) -> None:
        words = {word.name: Millis(word.refractory_ms) for word in wake.each}
        self._client = WakeClient(wake.uri, words, on_wake, trust=trust) if wake.uri else None
        self._gate = VoiceGate(self._client.feed) if self._client and wake.vad_gate else None

    def start(self) -> None:
        """Begins to connect."""
        if self._client is not None:
            self._client.start()

    async def stop(self) -> None:
        """Closes the connection."""
        if self._client is not None:
            await self._client.stop()

    def voice(self, window: VoiceWindow) -> None:
        """The voice detector's word."""
        if self._gate is not None:
            self._gate.voice(window.end, window.probability)

    def heard(self, first: Frames, pcm: bytes, state: State) -> None:
        """A period of the microphone, and what the conversation is doing."""
        if self._client is None:
            return
        # without a hub a wake word is of no use, and whoever muted us is not heard elsewhere either, nor kept for later
        if state in (State.OFFLINE, State.MUTED):
            self._client.forget()
        elif self._gate is not None:
            self._gate.heard(first, pcm)
        else:
            self._client.feed(first, pcm)
