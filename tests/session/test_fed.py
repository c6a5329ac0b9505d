"""A session without any sound hardware: a program feeds what the user says, and gets what is played. On the machine's clock."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest

from satellite import SessionState, VoiceSession
from satellite.audio.card import Samples
from satellite.core.units import RATE_HZ
from satellite.mock.agent import keyword_agent
from satellite.mock.dialog import MockDialog
from satellite.mock.recogniser import TemplateRecogniser
from satellite.mock.recordings import COMMAND, SPOKEN, trimmed
from satellite.mock.stt import MockStt
from satellite.mock.tts import MockTts
from tests.service.house import LONG, LONG_TEXT, REPLY, REPLY_TEXT, SOON_S, play_live

# a room's, so that the detectors have something to measure
_NOISE = (np.random.default_rng(1).standard_normal(60 * RATE_HZ) * 8).astype(np.int16)


class _Program:
    """Feeds a session as fast as it plays: silence, and what is to be said. What was played is kept."""

    def __init__(self, session: VoiceSession) -> None:
        self._session, self._fed = session, 0
        self._said: Samples = np.zeros(0, np.int16)
        self.played_frames = 0
        self._more = asyncio.Event()
        session.on_audio(self._feed)

    def say(self, words: Samples) -> None:
        self._said = words

    async def until(self, holds: Callable[[], bool]) -> None:
        """Waits until something is so, which is looked at whenever something has been played."""
        while not holds():
            self._more.clear()
            await self._more.wait()

    def _feed(self, played: Samples) -> None:
        frames = _NOISE[self._fed : self._fed + len(played)].copy()
        words, self._said = self._said[: len(frames)], self._said[len(frames) :]
        frames[: len(words)] += words
        self._fed += len(played)
        self.played_frames += len(played)
        self._more.set()
        self._session.process_audio(frames.tobytes() if self._fed % 2 else frames)


def test_a_conversation_of_two_programs() -> None:
    """One says something, the other talks over it, and is understood and answered."""

    async def story() -> None:
        known = [(SPOKEN["tts_lights_heart"], trimmed("tts_lights_heart"))]
        async with (
            MockStt(TemplateRecogniser(known).recognise) as stt,
            MockDialog(keyword_agent({"lights": REPLY_TEXT})) as dialog,
            MockTts({LONG_TEXT: LONG, REPLY_TEXT: REPLY}) as tts,
            VoiceSession(stt=stt.uri, dialog=dialog.uri, tts=tts.uri, microphone=None, speaker=None) as session,
        ):
            program, words = _Program(session), asyncio.Queue[str]()
            rested = asyncio.Event()
            session.on_transcript(words.put_nowait)
            session.on_state_changed(lambda old, new, why: rested.set() if new is SessionState.IDLE else None)
            async with asyncio.timeout(SOON_S):
                # the start-up sound has been played, and the canceller knows that nothing of it comes back
                await program.until(lambda: program.played_frames > 2.5 * RATE_HZ)
                handle = await session.say(LONG_TEXT)
                await program.until(lambda: _played_ms(session) > 500)
                program.say(trimmed("tts_lights_heart"))
                assert (await handle.wait_for_playout()).was_interrupted
                assert await words.get() == COMMAND
                await rested.wait()
            assert [asked.text for asked in dialog.requests] == [COMMAND]

    play_live(story())


def _played_ms(session: VoiceSession) -> int:
    position = session.service.engine.position
    return 0 if position is None else position.played


@pytest.mark.parametrize(
    ("frames", "error"),
    [
        (np.zeros(160, np.float32), ValueError),
        (np.zeros((160, 2), np.int16), ValueError),
        (np.zeros(10 * RATE_HZ, np.int16), BufferError),
    ],
)
def test_what_is_no_audio_of_ours_is_refused(frames: Samples, error: type[Exception]) -> None:
    """With what it has to be."""
    session = VoiceSession(microphone=None, speaker=None)
    with pytest.raises(error, match=r"int16 of shape \(n,\)|s of audio wait"):
        session.process_audio(frames)


def test_a_session_with_a_microphone_is_not_fed() -> None:
    """Nobody would know which of the two is the user."""
    with pytest.raises(ValueError, match="microphone=None"):
        VoiceSession().process_audio(np.zeros(160, np.int16))
