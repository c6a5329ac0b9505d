"""What the unit lets through: sound cards, pins, a hook, real time; and nothing else."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from tests.install.proof import CONFIG, DROP_INS, RESTART_S, Proof, check, host_pid, step


@step("sandbox")
def sandbox(proof: Proof) -> str:
    run, root = proof.machine.run, proof.machine.root
    # this machine's kernel has neither ALSA nor pins, so the numbers of their drivers are written where systemd looks for them
    run("sed '/^Character/a 116 alsa\\n239 gpiochip' /proc/devices > /srv/devices && mount --bind /srv/devices /proc/devices")
    numbers = {"/dev/snd/pcmC0D0c": "c 116 24", "/dev/snd/controlC0": "c 116 0", "/dev/gpiochip0": "c 239 0"}
    numbers |= {"/dev/input-proof": "c 13 64", "/dev/hidraw-proof": "c 238 0", "/dev/mem-proof": "c 1 1"}
    nodes, others = list(numbers)[:3], list(numbers)[3:]
    run("mkdir -p /dev/snd; getent group gpio >/dev/null || groupadd --system gpio; usermod --append --groups gpio satellite")
    for path, number in numbers.items():
        run(f"[ -e {path} ] || mknod {path} {number}; chgrp {'gpio' if 'gpio' in path else 'audio'} {path}; chmod 660 {path}")
    shutil.copy(Path(__file__).with_name("sandbox.py"), root / "opt/sandbox.py")
    probe = f"/opt/satellite/bin/python /opt/sandbox.py {' '.join(nodes + others)}"
    said = _probed(proof, probe)
    if said["priority limit"] == 0:
        # this machine's root may raise no limits (CAP_SYS_RESOURCE), so the right to it comes as a capability
        said["priority"] = _probed(proof, probe, _PRIORITY)["priority"]
    # without the unit: what the kernel itself says of these nodes
    free = json.loads(run(f"cd /; setpriv --reuid=satellite --regid=satellite --init-groups {probe}"))
    run("umount /proc/devices; rm -rf /opt/sandbox.py /etc/systemd/system/satellite-probe.service*")
    run("systemctl daemon-reload; systemctl start satellite")
    proof.wait_until_ready()
    return _judge(said, free["devices"], nodes, others)


def _probed(proof: Proof, probe: str, more: str = "") -> dict[str, Any]:
    """What it says under the unit as it is, but for what runs in it."""
    here = proof.machine.root / "etc/systemd/system"
    shutil.copy(here / "satellite.service", here / "satellite-probe.service")
    (here / "satellite-probe.service.d").mkdir(exist_ok=True)
    (here / "satellite-probe.service.d/probe.conf").write_text(_PROBE.format(probe) + more)
    (proof.machine.root / "srv/said").unlink(missing_ok=True)
    proof.machine.run("systemctl daemon-reload; systemctl stop satellite")
    proof.machine.run("systemctl start satellite-probe || journalctl -u satellite-probe -n 20 -o cat --no-pager")
    said: dict[str, Any] = json.loads((proof.machine.root / "srv/said").read_text())
    return said


_PRIORITY = "CapabilityBoundingSet=CAP_SYS_NICE\nAmbientCapabilities=CAP_SYS_NICE\n"

_PROBE = """\
[Service]
Type=oneshot
ExecStart=
ExecStart={}
Restart=no
WatchdogSec=0
StandardOutput=file:/srv/said
"""


def _judge(said: dict[str, Any], free: dict[str, str], nodes: list[str], others: list[str]) -> str:
    devices = said["devices"]
    for path in nodes:
        check(devices[path] == free[path] != "EPERM", f"{path}: {devices[path]}, and {free[path]} without the sandbox")
    for path in others:
        check(devices[path] == "EPERM", f"{path}: {devices[path]}")
    may = ("priority", "callback", "models", "program", "state", "control")
    check(all(said[what] == "allowed" for what in may), str(said))
    may_not = ("higher priority", "writable and executable memory", "own program", "configuration", "home", "raw socket")
    check(all(said[what] != "allowed" for what in may_not), str(said))
    beyond = [path for path in others if free[path] != "EPERM"]
    check(bool(beyond), f"nothing else can be opened without the sandbox either: {free}")
    return (
        f"{', '.join(f'{path} {devices[path]}' for path in nodes)} (no driver here, as without the sandbox); refused: "
        f"{', '.join(f'{path} (else {free[path]})' for path in others)}; may: {', '.join(may)}; may not: "
        + ", ".join(f"{what} ({said[what]})" for what in may_not)
        + (" [the limit of the priority cannot be raised here; its call is let through]" if not said["priority limit"] else "")
    )


@step("sound")
def sound(proof: Proof) -> str:
    check(proof.room is not None, "there is no room: gcc and libasound2-dev are needed here")
    room = proof.room
    assert room is not None
    there = proof.machine.root / "srv/room.conf"
    plugin = next(line.split('"')[1] for line in (room.dir / "asound.conf").read_text().splitlines() if "lib" in line)
    shutil.copy(plugin, room.dir / "plugin.so")
    text = (room.dir / "asound.conf").read_text().replace(plugin, "/srv/room/plugin.so").replace(str(room.dir), "/srv/room")
    (room.dir / "there.conf").write_text(text)
    (room.dir / "card").chmod(0o777)
    there.unlink(missing_ok=True)
    proof.drop_in("room", "[Service]\nEnvironment=ALSA_CONFIG_PATH=/srv/room/there.conf\n")
    # the start-up sound is played once after the machine was switched on
    proof.machine.run("rm -f /run/satellite/started; systemctl restart satellite")
    room.wait("start", timeout=RESTART_S)
    proof.wait_until_ready()
    room.wait("speaker_onset", timeout=RESTART_S)
    time.sleep(5)
    status = Path(f"/proc/{host_pid(proof)}/status").read_text()
    memory = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))) // 1024
    threads = next(line.split()[1] for line in status.splitlines() if line.startswith("Threads"))
    real_time = proof.machine.run(f"chrt -a -p {proof.pid()} | grep -c SCHED_RR", check=False).strip()
    return f"the virtual card runs, the start-up sound is heard; {memory} MB at most, {threads} threads, {real_time} in real time"


_HOOKED = "/var/lib/satellite/hooked"
_MIC = "arecord -r 16000 -c 1 -f S16_LE -t raw"


@step("hook")
def hook(proof: Proof) -> str:
    run = proof.machine.run
    folder = proof.machine.root / "home/pi/lights"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o700)
    (folder / "where").write_text(f"where={_HOOKED}\n")
    (folder / "hook.sh").write_text("#!/bin/sh\n. $(dirname $0)/where\necho done > $where\n")
    (folder / "hook.sh").chmod(0o755)
    old = f"run --name x --uri tcp://0.0.0.0:10700 --mic-command '{_MIC}' --startup-command /home/pi/lights/hook.sh"
    run(f'cd /srv; rm -f old.yaml hooks.conf; satellite migrate "{old}" -o old.yaml --drop-in hooks.conf')
    drop_in = run("cat /srv/hooks.conf")
    run(f"cp {CONFIG} /srv/kept.yaml; printf 'hooks:\\n  startup: /home/pi/lights/hook.sh\\n' >> {CONFIG}")
    run("systemctl restart satellite")
    proof.wait_until_ready()
    time.sleep(1)
    check("done" not in run(f"cat {_HOOKED} 2>&1", check=False), "it ran without the drop-in")
    proof.drop_in("hooks", drop_in)
    run("systemctl restart satellite")
    proof.wait("the hook has run", lambda: "done" in run(f"cat {_HOOKED} 2>&1", check=False))
    run(f"rm {DROP_INS}/hooks.conf; systemctl daemon-reload; cp /srv/kept.yaml {CONFIG}; rm -rf /home/pi {_HOOKED}")
    run("systemctl restart satellite")
    proof.wait_until_ready()
    opening = [line for line in drop_in.splitlines() if "=" in line and not line.startswith("#")]
    return f"in a home that is nobody else's to read, with the drop-in of `satellite migrate` only: {'; '.join(opening)}"
