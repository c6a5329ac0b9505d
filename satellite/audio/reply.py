"""One reply of ours as samples: filled by the event loop as fast as it comes, read by the audio thread as it plays."""

import numpy as np

from satellite.audio.card import Samples
from satellite.errors import PeerError

# ten minutes: nobody listens longer, and a peer must not fill the memory
LONGEST_REPLY_S = 600

_BYTES_PER_SAMPLE = 2


class Reply:
    """Mono samples at the speaker's rate. One thread appends, another reads; what is published never changes."""

    def __init__(self, turn: int, rate_hz: int, gain: float = 1.0) -> None:
        """Its turn may be set later, before it is played; every sample is multiplied by `gain`, which is at most 1."""
        self.turn = turn
        self._gain = gain
        self.rate_hz = rate_hz
        self.is_complete = False
        """Nothing will be added. Set after the last sample is in place."""
        self.dropped = 0
        """Samples that came after the reply was full."""
        self._samples: Samples = np.zeros(rate_hz, np.int16)
        self._frames = 0
        self._limit = LONGEST_REPLY_S * rate_hz
        self._resampler: _Resampler | None = None

    @property
    def frames(self) -> int:
        """How many samples there are by now."""
        return self._frames

    def feed(self, pcm: bytes, rate_hz: int, width: int, channels: int) -> None:
        """Appends audio as it came over the wire. PeerError if it is not 16-bit PCM or changes its rate midway."""
        if width != _BYTES_PER_SAMPLE or not 1 <= channels <= 8 or not 8000 <= rate_hz <= 192_000:
            raise PeerError(f"speech in {width * 8}-bit, {channels} channels, {rate_hz} Hz: only 16-bit PCM is understood")
        if self._resampler is None:
            self._resampler = _Resampler(rate_hz, self.rate_hz, channels)
        elif self._resampler.source != (rate_hz, channels):
            raise PeerError(f"speech changed to {rate_hz} Hz, {channels} channels in the middle of a reply")
        self.append(self._resampler.feed(pcm))

    def end_part(self) -> None:
        """What comes next may be of another format."""
        if self._resampler is not None and not self.is_complete:
            self.append(self._resampler.finish())
        self._resampler = None

    def finish(self) -> None:
        """Declares it complete, after the resampler's last samples."""
        self.end_part()
        self.is_complete = True

    def reopen(self) -> None:
        """More will come after all, as a stream of its own."""
        self.is_complete = False

    def append(self, samples: Samples) -> None:
        """Adds samples at the reply's own rate, up to the limit."""
        if self._gain != 1.0:
            samples = np.round(samples * np.float32(self._gain)).astype(np.int16)
        room = self._limit - self._frames
        if len(samples) > room:
            self.dropped += len(samples) - room
            samples = samples[:room]
        end = self._frames + len(samples)
        if end > len(self._samples):
            grown = np.zeros(min(max(end, 2 * len(self._samples)), self._limit), np.int16)
            grown[: self._frames] = self._samples[: self._frames]
            self._samples = grown
        self._samples[self._frames : end] = samples
        # published last: the reader looks at the count first
        self._frames = end

    def read(self, start: int, count: int) -> Samples:
        """Up to `count` samples from `start` on; fewer where they have not come. Not to be written to."""
        end = min(start + count, self._frames)
        return self._samples[start:end]


class _Resampler:
    """Bytes of any rate and channel count to mono at another rate; keeps half a sample that a chunk ended in."""

    def __init__(self, source_hz: int, target_hz: int, channels: int) -> None:
        self.source = (source_hz, channels)
        self._channels = channels
        self._rest = b""
        self._stream = None
        if source_hz != target_hz:
            import soxr

            self._stream = soxr.ResampleStream(source_hz, target_hz, 1, dtype="int16", quality="HQ")

    def feed(self, pcm: bytes) -> Samples:
        pcm = self._rest + pcm
        frame = _BYTES_PER_SAMPLE * self._channels
        whole = len(pcm) // frame * frame
        self._rest = pcm[whole:]
        samples: Samples = np.frombuffer(pcm[:whole], "<i2")
        if self._channels > 1:
            samples = samples.reshape(-1, self._channels).mean(axis=1).astype(np.int16)
        return self._convert(samples, last=False)

    def finish(self) -> Samples:
        return self._convert(np.zeros(0, np.int16), last=True)

    def _convert(self, samples: Samples, last: bool) -> Samples:
        if self._stream is None:
            return samples
        # an empty chunk makes the library's stream forget what it holds
        if len(samples) == 0 and not last:
            return samples
        converted: Samples = self._stream.resample_chunk(samples, last=last)
        return converted
