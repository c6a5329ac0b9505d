"""The hub's own voice detector, by loudness: finds where a command begins and ends, with Home Assistant's timings."""

import numpy as np

# Home Assistant's: this much speech begins a command, this much silence after a second of it ends it
SPEECH_S = 0.3
SILENCE_S = 0.7
COMMAND_S = 1.0
# after so long it gives up
LIMIT_S = 15.0

# voice stands so far above the softest tenth of a second
_ABOVE_FLOOR_DB = 12.0
# a floor below this is digital silence
_LOWEST_FLOOR_DB = -75.0


class CommandEndpoint:
    """Fed with 16 kHz 16-bit mono audio of one run."""

    def __init__(self) -> None:
        self.heard_s = 0.0
        self.has_started = False
        self.has_ended = False
        self._floor_db = -20.0
        self._speech_s = self._silence_s = self._command_s = 0.0
        self._rest = b""

    def feed(self, pcm: bytes) -> None:
        """One chunk."""
        pcm = self._rest + pcm
        whole = len(pcm) // 320 * 320
        self._rest = pcm[whole:]
        for block in np.frombuffer(pcm[:whole], "<i2").reshape(-1, 160).astype(np.float64):
            self._add(10.0 * float(np.log10((block**2).mean() / 32768.0**2 + 1e-12)))

    def _add(self, level_db: float) -> None:
        self.heard_s += 0.01
        self._floor_db = max(min(self._floor_db + 0.02, level_db), _LOWEST_FLOOR_DB)
        if level_db > self._floor_db + _ABOVE_FLOOR_DB:
            self._speech_s += 0.01
            self._silence_s = 0.0
        else:
            self._silence_s += 0.01
        if not self.has_started:
            self.has_started = self._speech_s >= SPEECH_S
        else:
            self._command_s += 0.01
            self.has_ended = self.has_ended or (self._silence_s >= SILENCE_S and self._command_s >= COMMAND_S - SPEECH_S)
