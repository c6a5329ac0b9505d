"""Reads off the records of a room what came of a scene: when the loudspeaker yielded, and what the satellite believed of it.

The same scene with a satellite that plays on is the ruler: what the loudspeaker was given then is what it would have said.
"""

import numpy as np
from numpy.typing import NDArray

from satellite.audio import commands as cmd
from satellite.audio.player import STOP_FADE_MS
from satellite.bench.outcome import Outcome
from satellite.bench.run import Run
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.state import State, Why
from satellite.core.units import PERIOD_FRAMES, RATE_HZ, frames
from satellite.simulate.measure import DUCKED_GAIN, SILENT_GAIN

# a gain is fitted over so much of the reply, again every millisecond; softer stretches of it say nothing
_WINDOW, _HOP, _QUIET = frames(5), frames(1), 0.1
# from the decision on: the queue that plays out, and a pause between two words
_DUCK_LASTS = frames(120)
# in which recorded replies come to their first word
_SOFT_BEGIN = frames(500)
# a reply that made no sound for so long was in a pause
_PAUSE = frames(50)
# of samples: a reply's digital silence
_NOTHING = 0
# after a stop: its fade, one period in which it is carried out, and the filters of a converter
_FADE = frames(STOP_FADE_MS) + PERIOD_FRAMES + frames(3)


def outcome(ours: Run, plain: Run) -> Outcome:
    """Of the daemon's rule, beside the run that played on."""
    if ours.onset is None:
        return _alone(ours)
    return _spoken_over(ours, plain, ours.onset)


def _alone(ours: Run) -> Outcome:
    ducks = sum(1 for _, report in ours.stage.all_told(cmd.Ducked) if report.is_ducked)
    stops = sum(1 for _ in ours.stage.all_told(ev.Held))
    return Outcome(ducks=ducks, stops=stops, hours=sum(map(len, ours.setting.replies)) / RATE_HZ / 3600)


def _spoken_over(ours: Run, plain: Run, onset: int) -> Outcome:
    begin = ours.plays[-1]
    holds = [at for at, _ in ours.stage.all_told(ev.Held) if at > begin]
    early = [at for at in holds if at <= onset]
    hold = next((at for at in holds if at > onset), None)
    duck = next((at for at, r in ours.stage.all_told(cmd.Ducked) if r.is_ducked and at > onset), hold)
    commit = next((at for at, b in ours.stage.all_told(act.Become) if b.new is State.LISTENING and at > onset), None)
    resumes = [at for at, b in ours.stage.all_told(act.Become) if b.why is Why.FALSE_ALARM and at > onset]
    return Outcome(
        duck_ms=_ducked_ms(ours, plain, onset, duck),
        silent_ms=_silent_ms(ours, onset, commit if hold is None else hold),
        commit_ms=_ms(commit, onset),
        resume_ms=_resume_ms(ours, holds, resumes),
        lost_ms=None if commit is None else _lost_ms(ours, commit, onset),
        position_error_ms=None if hold is None else _position_error_ms(ours, plain, hold),
        stale=sum(_stale(ours, at, resumes) for at in holds if at > onset),
        ducks=sum(1 for at, r in ours.stage.all_told(cmd.Ducked) if r.is_ducked and begin < at <= onset),
        stops=len(early),
        hours=max(onset - begin, 0) / RATE_HZ / 3600,
    )


def _ms(frame: int | None, onset: int) -> float | None:
    return None if frame is None else (frame - onset) * 1000 / RATE_HZ


# ---- the loudspeaker


def _ducked_ms(ours: Run, plain: Run, onset: int, told: int | None) -> float | None:
    """The first moment in which the reply is at most a tenth of what it would have been; in a pause of it, what was decided."""
    if told is None:
        return None
    late = ours.setting.out_latency_frames
    begin, end = max(told, onset), min(told + _DUCK_LASTS + late, ours.end, plain.end)
    if begin < end - _WINDOW:
        given = ours.room.given.between(begin, end).astype(np.float64)
        meant = plain.room.given.between(begin, end).astype(np.float64)
        energy, alike = _sliding(meant * meant), _sliding(meant * given)
        tells = energy >= _WINDOW * (_QUIET * _level(ours)) ** 2
        ducked = np.flatnonzero(tells & (alike <= DUCKED_GAIN * energy))
        if len(ducked):
            begin += int(ducked[0]) * _HOP
    return (begin - onset) * 1000 / RATE_HZ


def _sliding(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over each window."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    found: NDArray[np.float64] = (sums[_WINDOW:] - sums[:-_WINDOW])[::_HOP]
    return found


def _level(of: Run) -> float:
    reply = of.setting.replies[-1].astype(np.float64)
    return float(np.sqrt(np.mean(reply * reply)))


def _silent_ms(ours: Run, onset: int, stopped: int | None) -> float | None:
    """The last sound of the reply within 40 dB of its level; in a pause of it, or after its end, when that was decided."""
    if stopped is None:
        return None
    begin, end = max(stopped - _PAUSE, onset), min(stopped + _FADE + ours.setting.out_latency_frames, ours.end)
    loud = np.flatnonzero(np.abs(ours.room.given.between(begin, end)) > SILENT_GAIN * _level(ours))
    silent = begin + int(loud[-1]) + 1 if len(loud) else stopped
    return (silent - onset) * 1000 / RATE_HZ


def _resume_ms(ours: Run, holds: list[int], resumes: list[int]) -> float | None:
    """From the end of what was no word to the first sample of the reply that goes on for good; 0 if it did so during it."""
    assert ours.said is not None
    resumed = _taken_up(holds[-1], resumes) if holds else None
    if resumed is None:
        return None
    # what sounds before was on its way to the loudspeaker when the reply was held
    begin = resumed + ours.setting.out_latency_frames
    loud = np.flatnonzero(np.abs(ours.room.given.between(begin, ours.end)) > _NOTHING)
    return max(begin + float(loud[0]) - ours.said.end_frame, 0.0) * 1000 / RATE_HZ if len(loud) else None


def _taken_up(hold: int, resumes: list[int]) -> int | None:
    """When what was held then went on; None: it stayed so, or was over."""
    return next((at for at in resumes if at >= hold), None)


def _stale(ours: Run, hold: int, resumes: list[int]) -> int:
    """Until the reply goes on again."""
    resumed = _taken_up(hold, resumes)
    end = ours.end if resumed is None else resumed
    given = ours.room.given.between(min(hold + _FADE + ours.setting.out_latency_frames, end), end)
    return int(np.count_nonzero(np.abs(given) > _NOTHING))


# ---- what the satellite believed


def _lost_ms(ours: Run, commit: int, onset: int) -> float:
    """The turn's audio begins at a frame of the microphone's, which began with the room."""
    first = next(keep.first for at, keep in ours.stage.all_told(act.KeepFrom) if at == commit and keep.first is not None)
    return max(first - onset, 0) * 1000 / RATE_HZ


def _position_error_ms(ours: Run, plain: Run, hold: int) -> float | None:
    """What it said of how far the reply had come, less how far the loudspeaker had: it dropped the rest at once."""
    first, held = next(ours.stage.all_told(ev.Held))
    early = any(r.is_ducked and 0 <= at - ours.plays[-1] < _SOFT_BEGIN for at, r in ours.stage.all_told(cmd.Ducked))
    # what a reply begins with may be so soft that nothing is left of it in a duck; then it began where it does undisturbed
    begin = _begin(plain if early else ours)
    if first != hold or begin is None or hold <= begin:
        return None
    return held.position.played - (hold + ours.setting.out_latency_frames - begin) * 1000 / RATE_HZ


def _begin(of: Run) -> int | None:
    """Where the last reply's first sample left the loudspeaker."""
    given = np.abs(of.room.given.between(of.plays[-1], of.end))
    loud = np.flatnonzero(given > _NOTHING)
    if not len(loud):
        return None
    return of.plays[-1] + int(loud[0]) - int(np.argmax(np.abs(of.setting.replies[-1]) > _NOTHING))
