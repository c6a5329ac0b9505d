"""The card's own volume through the real ALSA library, against the file that the virtual mixer keeps it in."""

import hashlib
import logging
import math
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from satellite.audio import mixer
from satellite.audio.levels import gain_of_volume
from satellite.audio.mixer import Mixer
from satellite.audio.pcm import alsaaudio
from satellite.errors import ConfigError
from tests.peer.house import warnings

pytestmark = pytest.mark.rig

_HERE = Path(__file__).parent

# the virtual mixer's
_MOST = 255
_STEP_DB = 0.2

_ELEMENTS = ["PCM", "Master", "Mic"]


@dataclass
class VirtualMixer:
    """What the card is set to."""

    file: Path

    def raw(self, element: str = "PCM") -> int:
        """In the card's own steps."""
        return int(self.file.read_text().split()[_ELEMENTS.index(element)])

    def set(self, raw: int) -> None:
        """As another program does."""
        self.file.write_text(f"{raw}\n{raw}\n{raw}\n")


def _plugin() -> Path:
    """Built into the temporary folder when there is none of this source yet."""
    digest = hashlib.sha256((_HERE / "vmixer.c").read_bytes()).hexdigest()[:16]
    made = Path(tempfile.gettempdir()) / f"vmixer-{os.getuid()}-{digest}" / "libasound_module_ctl_vmixer.so"
    if not made.exists():
        made.parent.mkdir(mode=0o700, exist_ok=True)
        fresh = made.with_suffix(f".{os.getpid()}")
        subprocess.run(["make", "-s", "-C", str(_HERE), f"MIXER={fresh}", str(fresh)], check=True)
        fresh.replace(made)
    return made


@pytest.fixture
def card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VirtualMixer:
    """One that is the mixer of `default`, with decibels, and of hw:Plain, without."""
    virtual = VirtualMixer(tmp_path / "values")
    virtual.set(100)
    (tmp_path / "asound.conf").write_text(f"""<confdir:alsa.conf>
ctl_type.vmixer {{ lib "{_plugin()}" }}
ctl.!default {{ type vmixer file "{virtual.file}" decibels true }}
ctl.!hw {{ @args [ CARD ] @args.CARD {{ type string default "0" }} type vmixer file "{virtual.file}" }}
""")
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(tmp_path / "asound.conf"))
    return virtual


@pytest.mark.parametrize("speaker", ["default", "plughw:CARD=Plain,DEV=0"])
def test_the_volume_goes_from_the_least_to_the_most(card: VirtualMixer, speaker: str) -> None:
    """0 is the element's least, 100 its most, and more is never less."""
    volume = Mixer("PCM", speaker)
    raws = []
    for wanted in range(101):
        volume.set(wanted)
        raws.append(card.raw())
    assert (raws[0], raws[-1]) == (0, _MOST)
    assert raws == sorted(raws)
    # the element's range ends at 51 dB, which is 5, and its last step is larger than that from 99 to 100
    assert len(set(raws[6:100])) == len(raws[6:100]), "two volumes are the same step"
    assert (card.raw("Master"), card.raw("Mic")) == (100, 100)


def test_half_of_it_is_12_decibels_less(card: VirtualMixer) -> None:
    """As by software, where the element has decibels: the range is -51 to 0 dB, all of it above the floor."""
    volume = Mixer("PCM", "default")
    for wanted in (10, 25, 50, 90):
        volume.set(wanted)
        by_software_db = 20 * math.log10(gain_of_volume(wanted))
        assert (card.raw() - _MOST) * _STEP_DB == pytest.approx(by_software_db, abs=_STEP_DB)


def test_what_is_60_decibels_softer_is_not_used(card: VirtualMixer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Below the floor, half of the slider would be silence; the test has the floor at 20 dB."""
    monkeypatch.setattr(mixer, "_FLOOR", 20_00)
    volume = Mixer("PCM", "default")
    volume.set(10)
    assert card.raw() == _MOST - 100
    volume.set(0)
    assert (card.raw(), volume.get()) == (0, 0)


def test_equal_steps_are_equal_without_decibels(card: VirtualMixer) -> None:
    """An element that has none is believed to be made for the ear."""
    volume = Mixer("Master", "default")
    volume.set(40)
    assert card.raw("Master") == 102


@pytest.mark.parametrize("speaker", ["default", "hw:Plain"])
def test_what_is_set_is_told(card: VirtualMixer, speaker: str) -> None:
    """Also what another program has set."""
    volume = Mixer("PCM", speaker)
    for wanted in (0, 1, 33, 50, 99, 100):
        volume.set(wanted)
        assert volume.get() == pytest.approx(wanted, abs=1)
    card.set(_MOST)
    assert volume.get() == 100


def test_pyalsaaudio_sees_the_same(card: VirtualMixer) -> None:
    """A witness with code of its own."""
    alsa = alsaaudio()
    Mixer("PCM", "default").set(50)
    seen = alsa.Mixer("PCM", device="default")
    assert seen.getvolume(units=alsa.VOLUME_UNITS_RAW) == [card.raw()]
    assert seen.getvolume(units=alsa.VOLUME_UNITS_DB) == [pytest.approx(-1204, abs=100 * _STEP_DB)]


@pytest.mark.parametrize("name", ["Speaker", "Mic"])
def test_an_element_that_is_not_there_is_a_mistake_in_the_configuration(card: VirtualMixer, name: str) -> None:
    """The operator is told the key, and what would do; a microphone's volume would not."""
    with pytest.raises(ConfigError, match=rf"^audio\.mixer: .* no element '{name}' .*; it has 'Master', 'PCM'$"):
        Mixer(name, "default")


def test_a_card_that_is_unplugged_is_warned_of_once_and_may_come_back(
    card: VirtualMixer, caplog: pytest.LogCaptureFixture
) -> None:
    """And the next set reaches it."""
    caplog.set_level(logging.INFO)
    volume = Mixer("PCM", "default")
    card.file.rename(away := card.file.with_suffix(".away"))
    volume.set(10)
    volume.set(20)
    assert volume.get() is None
    assert warnings(caplog) == ["the volume cannot be set: mixer of default: No such device"]
    away.rename(card.file)
    volume.set(100)
    assert card.raw() == _MOST
    assert caplog.messages[-1] == "the mixer of default is there again"


def test_a_card_may_be_plugged_in_later(card: VirtualMixer, caplog: pytest.LogCaptureFixture) -> None:
    """A satellite waits for its speaker, and so for its mixer; nothing is written to the terminal by ALSA."""
    card.file.rename(away := card.file.with_suffix(".away"))
    volume = Mixer("PCM", "default")
    assert len(warnings(caplog)) == 1
    away.rename(card.file)
    volume.set(0)
    assert card.raw() == 0
