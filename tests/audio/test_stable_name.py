"""Names of devices that last."""

from pathlib import Path

import pytest

from satellite.audio.stable_name import is_by_number, stable_name


@pytest.mark.parametrize(
    ("name", "stable"),
    [
        ("hw:1", "hw:CARD=Device,DEV=0"),
        ("hw:1,2", "hw:CARD=Device,DEV=2"),
        ("plughw:1,0", "plughw:CARD=Device,DEV=0"),
        ("hw:3,0", None),
        ("hw:CARD=Device,DEV=0", None),
        ("hw:Device", None),
        ("default", None),
        ("pulse:1", None),
    ],
)
def test_a_card_by_its_number_has_a_name(name: str, stable: str | None, tmp_path: Path) -> None:
    """If it is there; whoever names it otherwise is told nothing."""
    (tmp_path / "asound/card1").mkdir(parents=True)
    (tmp_path / "asound/card1/id").write_text("Device\n")
    assert stable_name(name, tmp_path) == stable
    assert is_by_number(name) is (stable is not None or name == "hw:3,0")
