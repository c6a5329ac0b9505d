"""What a picture is made of: written down with the time at which it happened."""

from satellite.audio.commands import Vitals
from satellite.core import actions as act
from satellite.core import events as ev
from satellite.core.echo import Excess
from satellite.core.interrupt import Interrupt, Phase, Reason
from satellite.core.state import State, Why
from satellite.core.units import Frames, Millis, Probability
from satellite.demo.recorder import Mark, Recorder
from satellite.observer import Audience

INTERRUPT = Interrupt(
    id="1",
    response_id="1",
    turn=1,
    phase=Phase.PROVISIONAL,
    reason=Reason.SPEECH,
    state="speaking",
    timestamp=Millis(0),
    speech_started=Millis(0),
    speech_probability=Probability(0.5),
    position=ev.Position(Millis(0), Millis(0), Millis(0), None),
    complete=False,
    text="",
)


def test_actions_and_states_bear_the_time_of_the_event_that_brought_them() -> None:
    """They have none of their own."""
    recorder = Recorder()
    recorder.on_event(ev.WakeHeard(Millis(1200), "alexa", Frames(19_200)))
    recorder.on_state_changed(State.IDLE, State.LISTENING, Why.WAKE_WORD)
    recorder.on_action(act.SendDetection("alexa"))
    recorder.on_action(act.SendRun())
    recorder.on_event(ev.Transcript(Millis(3400), "Stop."))
    recorder.on_state_changed(State.LISTENING, State.PROCESSING, Why.END_OF_SPEECH)
    assert list(recorder.states) == [(0, State.OFFLINE), (1200, State.LISTENING), (3400, State.PROCESSING)]
    assert list(recorder.marks) == [(1200, Mark.DETECTION), (1200, Mark.RUN), (3400, Mark.TRANSCRIPT)]


def test_the_phases_of_an_interrupt_are_marks_of_their_own() -> None:
    """A confirmed one looks unlike one that was cancelled."""
    recorder = Recorder()
    for at, phase in enumerate((Phase.PROVISIONAL, Phase.CONFIRMED, Phase.CANCELLED)):
        recorder.on_event(ev.MicrophoneStalled(Millis(at)))
        recorder.on_action(act.SendInterrupt(INTERRUPT.in_phase(phase, Millis(at))))
    assert list(recorder.marks) == [(0, Mark.PROVISIONAL), (1, Mark.CONFIRMED), (2, Mark.CANCELLED)]


def test_windows_and_vitals_are_kept_as_they_came() -> None:
    """Also by one of several watchers, each of whom is told."""
    recorder, other = Recorder(), Recorder()
    window = ev.VoiceWindow(Millis(32), Frames(512), Frames(512), Probability(0.7))
    vitals = Vitals(Millis(40), Excess(25.0), 0.1)
    audience = Audience(recorder, other)
    audience.on_event(window)
    audience.on_vitals(vitals)
    assert list(recorder.windows) == list(other.windows) == [window]
    assert list(recorder.vitals) == list(other.vitals) == [vitals]


def test_it_forgets_what_is_older_than_the_tapes_of_the_room() -> None:
    """A demo that is left alone does not fill the memory."""
    recorder = Recorder()
    for period in range(70_000):
        recorder.on_vitals(Vitals(Millis(10 * period), Excess(), 1.0))
    assert len(recorder.vitals) == 60_000
    assert recorder.vitals[-1].at == 699_990
