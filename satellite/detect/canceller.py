"""Echo cancellation: the microphone without what the loudspeaker said."""

from pywebrtc_audio import AudioProcessor

from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ, Frames

# AEC3 delays the microphone by 8 ms and the noise suppressor by 6 (measured)
CANCELLER_DELAY_FRAMES = Frames(224)

# of 0 to 3. It makes the voice detector surer behind the canceller; 2 and 3 buy nothing more. All have the same delay
MODERATE_SUPPRESSION = 1


class EchoCanceller:
    """WebRTC's AEC3 with noise suppression. Learns the room: keep one for the life of the service and never reset it.

    The high-pass filter is not asked for, because the canceller switches it on itself. Nor is a delay given, because
    it finds any from 5 to 500 ms, and a wrong hint doubles the false alarms.
    """

    def __init__(self, suppression: int = MODERATE_SUPPRESSION) -> None:
        """`suppression`: of noise, 0 to 3: a steady one is 6, 12, 18 or 21 dB softer."""
        self._processor = AudioProcessor(RATE_HZ, 1, echo_cancellation=True, noise_suppression=True, ns_level=suppression)

    def process(self, near: Samples, far: Samples) -> Samples:
        """10 ms of the microphone without the echo of `far`, CANCELLER_DELAY_FRAMES late.

        `far` is what was written to the loudspeaker, 5 to 500 ms before its echo; zeros when nothing was.
        """
        return self._processor.process(near, far)
