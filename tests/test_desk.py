"""What is set while a satellite runs: at once, told to all, and the same after the next start."""

from pathlib import Path

import msgspec
import pytest

from satellite.config import BargeIn, Config, Wake
from satellite.controls import Controls
from satellite.core.say import Allow
from satellite.core.sensitivity import Sensitivity
from satellite.desk import Desk
from satellite.errors import SatelliteError
from satellite.memory import Memory, MemoryFile
from satellite.observer import Key, Observer, Setting
from satellite.service import Service


class _Watcher(Observer):
    def __init__(self) -> None:
        self.settings: list[Setting] = []

    def on_setting(self, setting: Setting) -> None:
        self.settings.append(setting)


def _desk(directory: Path, config: Config | None = None) -> tuple[Desk, Service, _Watcher]:
    watcher = _Watcher()
    service = Service(config or Config(), lambda: pytest.fail("no card is opened"), watcher)
    # its worker does not run
    service.wake_words.submit = lambda job: job() or True  # type: ignore[method-assign,func-returns-value]
    return Desk(service, config or Config(), MemoryFile(directory)), service, watcher


def test_what_is_set_counts_at_once_and_is_told_to_all(tmp_path: Path) -> None:
    """By the value that it has from then on."""
    desk, service, watcher = _desk(tmp_path)
    desk.set_volume(40)
    desk.set_barge_in(False)
    desk.set_sensitivity(Sensitivity.NOISY)
    desk.set_wake_threshold(0.9)
    desk.mute(True)
    assert (desk.volume, desk.is_barge_in_on, desk.sensitivity, desk.wake_threshold, desk.is_muted) == (
        *(40, False, Sensitivity.NOISY, 0.9),
        True,
    )
    assert service.config.barge_in.allow is Allow.NONE
    assert watcher.settings == [
        Setting(Key.VOLUME, 40),
        Setting(Key.BARGE_IN, False),
        Setting(Key.SENSITIVITY, "noisy"),
        Setting(Key.WAKE_THRESHOLD, 0.9),
        Setting(Key.MUTED, True),
    ]


def test_it_is_the_same_after_the_next_start(tmp_path: Path) -> None:
    """Also that the microphone is off."""
    desk, *_ = _desk(tmp_path)
    desk.set_volume(40)
    desk.set_barge_in(False)
    desk.mute(True)
    again, *_ = _desk(tmp_path)
    assert (again.volume, again.is_barge_in_on, again.is_muted) == (40, False, True)


def test_whoever_edits_the_configuration_means_it(tmp_path: Path) -> None:
    """Of what was set only the keys stay that he has not touched."""
    desk, *_ = _desk(tmp_path)
    desk.set_volume(40)
    desk.set_sensitivity(Sensitivity.QUIET)
    edited = msgspec.structs.replace(Config(), audio=msgspec.structs.replace(Config().audio, volume=70))
    again, *_ = _desk(tmp_path, edited)
    assert (again.volume, again.sensitivity) == (70, Sensitivity.QUIET)
    desk.reconfigure(edited)
    assert (desk.volume, desk.sensitivity) == (70, Sensitivity.QUIET)


def test_what_does_not_go_with_the_new_configuration_counts_no_more(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The words are to be found elsewhere from the next start on, where nobody wants a threshold of ours."""
    desk, *_ = _desk(tmp_path)
    desk.set_wake_threshold(0.9)
    desk.reconfigure(Config(wake=Wake(uri="tcp://127.0.0.1:10400")))
    assert "counts no more" in caplog.text
    assert _desk(tmp_path, Config(wake=Wake(uri="tcp://127.0.0.1:10400")))[0].wake_threshold is None


def test_barge_in_comes_back_as_it_was_configured(tmp_path: Path) -> None:
    """And as speech, where the configuration has none."""
    for usual, back in ((Allow.WAKE_WORD, Allow.WAKE_WORD), (Allow.NONE, Allow.SPEECH)):
        desk, service, _ = _desk(tmp_path / usual, Config(barge_in=BargeIn(allow=usual)))
        desk.set_barge_in(False)
        desk.set_barge_in(True)
        assert service.config.barge_in.allow is back


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    """With the values that can."""
    desk, *_ = _desk(tmp_path)
    with pytest.raises(SatelliteError, match="from 0 to 100"):
        desk.set_volume(101)
    with pytest.raises(SatelliteError, match="above 0 and below 1"):
        desk.set_wake_threshold(1.0)
    elsewhere, *_ = _desk(tmp_path, Config(wake=Wake(uri="tcp://127.0.0.1:10400")))
    assert elsewhere.wake_threshold is None
    with pytest.raises(SatelliteError, match="found elsewhere"):
        elsewhere.set_wake_threshold(0.5)
    with pytest.raises(SatelliteError, match="offline: nobody would hear you"):
        desk.listen()


def test_it_offers_all_controls(tmp_path: Path) -> None:
    """A type checker proves the types, this that nobody forgot."""
    controls: Controls = _desk(tmp_path)[0]
    assert all(hasattr(controls, name) for name in vars(Controls) if not name.startswith("_"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 2}', b"\xff", b'{"changes": 5}'])
def test_a_file_that_cannot_be_used_is_told_of_and_nothing_of_it_counts(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The satellite starts all the same."""
    (tmp_path / "settings.json").write_bytes(content)
    assert MemoryFile(tmp_path).read() == Memory()
    assert "cannot be used" in caplog.text


def test_a_value_that_is_no_longer_allowed_does_not_keep_it_from_starting(tmp_path: Path) -> None:
    """A later version may allow less."""
    text = '{"version": 1, "changes": {"audio.volume": {"configured": 100, "now": 500}}}'
    (tmp_path / "settings.json").write_text(text)
    assert _desk(tmp_path)[0].volume == 100


def test_a_directory_that_cannot_be_written_to_is_told_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is set counts until the next start."""
    desk, *_ = _desk(tmp_path / "missing")
    desk.set_volume(40)
    assert desk.volume == 40 and "cannot keep in" in caplog.text
