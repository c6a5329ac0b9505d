"""The story of the demo. The user's lines are written here; what the satellite does with them is not."""

import asyncio
import time
from dataclasses import asdict, dataclass, field

from satellite.core.state import State
from satellite.core.units import frames
from satellite.demo.stage import SER_DB, Stage, words_of
from satellite.demo.timeline import Timeline
from satellite.mock.recordings import ANSWER, COMMAND, SPOKEN, STOP
from satellite.simulate.measure import measure_arrival, measure_yield, reply_start
from satellite.simulate.room import Said

# a user who waits longer has given up
_PATIENCE_S = 10.0
# what a server may hear of a first word and still understand it
_LOST_MS = 0.0
# a hold ends within three seconds, one way or the other
_HOLD_S = 4.0
# an answer that has gone on for so long goes on
_GOES_ON_S = 0.5
_STEP_S = 0.05

# so long after a sound's end its consequences are looked at
_LATER_S = 0.3

# Into the answer. "Stop" comes where its first sentence ends: in the middle of one, at this level, a word of a third of a
# second is taken for a cough now and then, as the README says.
TALK_OVER_MS = 2000
COUGH_MS = 1500
STOP_MS = 3000


@dataclass(slots=True)
class Check:
    """One thing that must hold."""

    name: str
    is_met: bool
    found: str


@dataclass(slots=True)
class BargeIn:
    """What was measured of one interruption, in ms from the user's onset at the microphone, which is a frame of the room."""

    words: str
    onset_frame: int
    ducked_ms: float | None = None
    silent_ms: float | None = None
    provisional_ms: float | None = None
    confirmed_ms: float | None = None
    first_audio_ms: float | None = None
    preroll_ms: float | None = None
    lost_ms: float | None = None


@dataclass(slots=True)
class Outcome:
    """Everything the demo found."""

    ser_db: float = SER_DB
    checks: list[Check] = field(default_factory=list)
    barge_ins: list[BargeIn] = field(default_factory=list)
    cough_ducked_ms: float | None = None

    @property
    def is_good(self) -> bool:
        """Whether everything held."""
        return bool(self.checks) and all(check.is_met for check in self.checks)

    def check(self, name: str, is_met: bool, found: object) -> None:
        """Notes one thing."""
        self.checks.append(Check(name, is_met, str(found)))

    def as_dict(self) -> dict[str, object]:
        """For machines."""
        return {"ok": self.is_good, **asdict(self)}


class Story:
    """Plays it on a stage."""

    def __init__(self, stage: Stage, timeline: Timeline, outcome: Outcome) -> None:
        self._stage, self._timeline, self._outcome = stage, timeline, outcome
        self._answers = 0
        self._answer_frame = 0

    async def play(self) -> None:
        """All acts. TimeoutError if something that must come does not."""
        hub = self._stage.hub
        await hub.journal.wait_for("info", timeout_s=_PATIENCE_S)
        self._timeline.heading("The satellite starts. Half a second of noise teaches the echo canceller the room.")
        # the start-up sound, and the room after it
        await asyncio.sleep(2.0)
        await self._command()
        await self._talk_over()
        await self._cough()
        await self._stop()

    # ---- the acts

    async def _command(self) -> None:
        self._timeline.heading("1. A wake word and a command. The satellite answers.")
        now = self._stage.room.end_frame
        self._user("tts_alexa_joe", now + frames(500))
        said = self._user("tts_lights_joe", now + frames(1500))
        await self._answer_begins()
        transcript = self._stage.hub.journal.of("transcript", "sent")[-1].data["text"]
        self._outcome.check("the command is understood", transcript == COMMAND, transcript)
        lost_ms = measure_arrival(
            self._stage.stt.requests[-1],
            self._stage.room.near.between(0, self._stage.room.near.end_frame),
            said.onset_frame,
            said.end_frame,
        ).lost_ms
        self._outcome.check("nothing of it is lost", lost_ms <= _LOST_MS, f"{lost_ms:.0f} ms lost")

    async def _talk_over(self) -> None:
        self._timeline.heading(f"2. Two seconds into the answer the user talks over it, {-SER_DB:.0f} dB softer than it.")
        barge_in = await self._interrupt("tts_lights_heart", self._answer_frame + frames(TALK_OVER_MS))
        await self._answer_begins()
        transcript = self._stage.hub.journal.of("transcript", "sent")[-1].data["text"]
        self._outcome.check("the words that interrupted are understood", transcript == COMMAND, transcript)
        self._report(barge_in)

    async def _cough(self) -> None:
        self._timeline.heading("3. During the next answer somebody coughs.")
        said = self._user("cough_synth_1", self._answer_frame + frames(COUGH_MS))
        await self._until(said.end_frame)
        goes_on = await self._speaks_again()
        found = measure_yield(
            self._stage.room.cone.between(0, self._stage.room.cone.end_frame), self._stage.reply, said.onset_frame
        )
        self._outcome.cough_ducked_ms = found.ducked_ms
        self._outcome.check("the cough ducks the answer", found.ducked_ms is not None, _ms(found.ducked_ms))
        # mostly it is taken for a word first, and given back when the server finds none in it
        self._outcome.check("the answer goes on after it", goes_on, str(self._stage.service.state))

    async def _speaks_again(self) -> bool:
        """Whether the answer has gone on for a while, before a hold must have ended."""
        state = self._stage.service
        spoken_s, until_s = 0.0, time.monotonic() + _HOLD_S
        while spoken_s < _GOES_ON_S and time.monotonic() < until_s:
            await asyncio.sleep(_STEP_S)
            spoken_s = spoken_s + _STEP_S if state.state is State.SPEAKING else 0.0
        return spoken_s >= _GOES_ON_S

    async def _stop(self) -> None:
        self._timeline.heading('4. "Stop."')
        # the cough has cost the answer some time
        cone = self._stage.room.cone.between(0, self._stage.room.cone.end_frame)
        began = reply_start(self._stage.reply, cone)
        barge_in = await self._interrupt("tts_stop_joe", began + frames(STOP_MS))
        transcript = await self._stage.hub.journal.wait_for("transcript", 3, _PATIENCE_S, "sent")
        self._outcome.check('"stop" is understood', transcript.data["text"] == STOP, transcript.data["text"])
        self._report(barge_in)

    # ---- what they are made of

    def _user(self, name: str, onset_frame: int) -> Said:
        said = self._stage.say(name, onset_frame)
        at_s = self._stage.card.time_of(said.onset_frame) - time.monotonic()
        asyncio.get_running_loop().call_later(max(at_s, 0.0), self._timeline.line, "user", words_of(name), True)
        return said

    async def _answer_begins(self) -> None:
        self._answers += 1
        await self._stage.hub.journal.wait_for("audio-start", self._answers, _PATIENCE_S, "sent")
        before = self._stage.room.end_frame
        async with asyncio.timeout(_PATIENCE_S):
            while (began := self._stage.answer_began(before)) is None:
                await asyncio.sleep(0.02)
        self._answer_frame = began
        self._timeline.line("answer", f'"{ANSWER}"', loud=True)

    async def _interrupt(self, name: str, onset_frame: int) -> BargeIn:
        journal = self._stage.hub.journal
        before = {phase: len(journal.of("interrupt", phase=phase)) for phase in ("provisional", "confirmed")}
        said = self._user(name, onset_frame)
        onset_s = self._stage.card.time_of(said.onset_frame)
        found = BargeIn(SPOKEN[name], said.onset_frame)
        confirmed = await journal.wait_for("interrupt", before["confirmed"] + 1, _PATIENCE_S, phase="confirmed")
        provisional = journal.of("interrupt", phase="provisional", id=confirmed.data["id"])
        found.confirmed_ms = (confirmed.at_s - onset_s) * 1000
        found.provisional_ms = (provisional[-1].at_s - onset_s) * 1000 if provisional else None
        await self._until(said.end_frame)
        room = self._stage.room
        yielded = measure_yield(room.cone.between(0, self._stage.room.cone.end_frame), self._stage.reply, said.onset_frame)
        found.ducked_ms, found.silent_ms = yielded.ducked_ms, yielded.silent_ms
        requests = len(self._stage.stt.requests)
        await self._heard(requests)
        arrival = measure_arrival(
            self._stage.stt.requests[-1], room.near.between(0, self._stage.room.near.end_frame), said.onset_frame, said.end_frame
        )
        found.lost_ms, found.preroll_ms = arrival.lost_ms, arrival.lead_ms
        assert self._stage.hub.pipeline is not None
        first_s = self._stage.hub.pipeline.runs[-1].first_audio_s
        found.first_audio_ms = (first_s - onset_s) * 1000 if first_s else None
        self._outcome.barge_ins.append(found)
        return found

    async def _heard(self, before: int) -> None:
        """Until the speech-to-text server has one more utterance."""
        async with asyncio.timeout(_PATIENCE_S):
            while len(self._stage.stt.requests) <= before:
                await asyncio.sleep(0.02)

    async def _until(self, frame: int) -> None:
        """Until the room is there, and a little later."""
        left_s = self._stage.card.time_of(frame) - time.monotonic()
        await asyncio.sleep(max(left_s, 0.0) + _LATER_S)

    def _report(self, found: BargeIn) -> None:
        outcome, name = self._outcome, f'over "{found.words}"'
        outcome.check(f"the answer ducks and stops {name}", found.silent_ms is not None, _ms(found.silent_ms))
        outcome.check(f"the server is told at once {name}", found.provisional_ms is not None, _ms(found.provisional_ms))
        lost_ms = found.lost_ms
        outcome.check(f"nothing is lost {name}", lost_ms is not None and lost_ms <= _LOST_MS, f"{lost_ms:.0f} ms lost")


def _ms(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f} ms"
