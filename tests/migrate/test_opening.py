"""What hooks need of the unit: the least, and a word on what no unit gives."""

import shutil
import subprocess
from pathlib import Path

import pytest

from satellite.cli import EXIT_CONFIG, main
from satellite.migrate.opening import drop_in, openings
from satellite.migrate.outcome import Sets

MIC = "--mic-command 'arecord -r 16000 -c 1 -f S16_LE -t raw'"
UNIT = Path(__file__).parents[2] / "systemd/satellite.service"


def needed(command: str, key: str = "hooks.detection", script: str = "") -> list[str]:
    """The lines that a command needs, whose scripts all have this in them."""
    found, _ = openings([Sets(key, command, "--detection-command")], lambda path: script)
    return [opening.setting for opening in found]


@pytest.mark.parametrize(
    "command",
    [
        "curl -s http://127.0.0.1/on",
        "sh -c 'cat > /dev/null'",
        "/usr/local/bin/light --on",
        "gpioset gpiochip0 17=1",
        "aplay /usr/share/x.wav",
    ],
)
def test_most_need_nothing(command: str) -> None:
    """The network, sound cards, the pins, and programs of the system are open."""
    assert needed(command) == []


@pytest.mark.parametrize(
    ("command", "lines"),
    [
        ("/home/pi/lights/on.sh --red", ["ProtectHome=tmpfs", "BindReadOnlyPaths=-/home/pi/lights"]),
        # not the whole home
        ("/home/pi/on.sh", ["ProtectHome=tmpfs", "BindReadOnlyPaths=-/home/pi/on.sh"]),
        ("/root/on.sh", ["ProtectHome=tmpfs", "BindReadOnlyPaths=-/root/on.sh"]),
        ("sh -c 'cat >> /home/pi/said.txt'", ["ProtectHome=tmpfs", "BindPaths=-/home/pi/said.txt"]),
        ("tee -a /var/log/said.log", ["ReadWritePaths=-/var/log/said.log"]),
        ("sh -c 'cat > /var/lib/satellite/said'", []),
        ("sh -c 'echo on > /dev/ttyUSB0'", ["DeviceAllow=/dev/ttyUSB0 rw"]),
        ("sh -c 'touch /tmp/flag'", ["PrivateTmp=no"]),
        ("sh -c 'echo 1 > /sys/class/leds/ACT/brightness'", ["ProtectKernelTunables=no"]),
        ("/usr/bin/node /srv/led.js", ["MemoryDenyWriteExecute=no"]),
        ("/srv/100%:on.sh > /srv/100%", ["ReadWritePaths=-/srv/100%%"]),
    ],
)
def test_the_least_that_will_do(command: str, lines: list[str]) -> None:
    """A folder of a home and not the home, a device and not all of them."""
    assert needed(command) == lines


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("#!/usr/bin/env python3\nimport spidev", ["DeviceAllow=char-spidev rw"]),
        ("#!/usr/bin/python3\nfrom smbus2 import SMBus", ["DeviceAllow=char-i2c rw"]),
        ("#!/usr/bin/python3\nimport RPi.GPIO as GPIO", ["DeviceAllow=/dev/gpiomem rw", "DeviceAllow=/dev/gpiomem0 rw"]),
    ],
)
def test_what_it_runs_is_read(script: str, lines: list[str]) -> None:
    """The command itself tells nothing."""
    assert needed("/usr/local/bin/led --on", script=script) == lines


def test_sounds_are_read_where_they_are() -> None:
    """A text that is neither a program nor a file needs nothing."""
    assert needed("/home/pi/done.wav", "sounds.done") == ["ProtectHome=tmpfs", "BindReadOnlyPaths=-/home/pi/done.wav"]
    assert needed("/home/pi", "name") == []


@pytest.mark.parametrize(
    ("command", "word"), [("sudo systemctl stop x", "sudo"), ("sh -c 'docker restart x'", "docker"), ("/sbin/reboot", "reboot")]
)
def test_what_no_unit_gives_is_told(command: str, word: str) -> None:
    """With what to do instead, and it counts as lost."""
    _, tells = openings([Sets("hooks.error", command, "--error-command")], lambda path: "")
    assert tells[0].line.startswith(f"--error-command: {word} in it will not work")
    assert tells[0].lost


def test_a_group_is_told_of() -> None:
    """A unit that names a group that does not exist does not start, so it is left to the operator."""
    _, tells = openings([Sets("hooks.error", "sh -c 'cat > /dev/ttyACM0'", "--error-command")], lambda path: "")
    assert ["usermod -aG dialout satellite" in tell.line and not tell.lost for tell in tells] == [True]


def test_the_command_writes_it_where_it_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whose script can be read here is looked into; a second time it is not overwritten."""
    script, file, config = tmp_path / "led", tmp_path / "hooks.conf", tmp_path / "config.yaml"
    script.write_text("#!/bin/sh\ni2cset -y 1 0x20\n")
    line = f"script/run --name x {MIC} --detect-command {script}"
    assert main(["migrate", line, "-o", str(config)]) == 0
    assert "--drop-in FILE writes what it takes" in capsys.readouterr().err
    assert main(["migrate", line, "--drop-in", str(file)]) == 0
    assert "DeviceAllow=char-i2c rw\n" in file.read_text()
    assert f"written to {file}" in capsys.readouterr().err
    assert main(["migrate", line, "--drop-in", str(file)]) == EXIT_CONFIG


def test_none_is_written_where_none_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And that is said."""
    assert main(["migrate", f"script/run --name x {MIC}", "--drop-in", str(tmp_path / "hooks.conf")]) == 0
    assert "needs no drop-in" in capsys.readouterr().err
    assert not (tmp_path / "hooks.conf").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_understands_it(tmp_path: Path) -> None:
    """Beside the unit, without a word."""
    commands = ["/home/pi/a b/on.sh", "sh -c 'cat > /dev/ttyUSB0; echo > /srv/x%y:z'", "node /tmp/x", "python3 -m spidev"]
    found, _ = openings([Sets("hooks.error", command, "--error-command") for command in commands], lambda path: "")
    unit = tmp_path / "satellite.service"
    unit.write_text(UNIT.read_text("utf-8").replace("/opt/satellite/bin/satellite", "/bin/true"))
    folder = tmp_path / "satellite.service.d"
    folder.mkdir()
    (folder / "hooks.conf").write_text(drop_in(found))
    said = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False)
    assert (said.returncode, said.stderr) == (0, "")
