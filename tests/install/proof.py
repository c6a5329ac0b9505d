"""What the steps share: the machine, what the service says of itself, and the table that steps are entered in."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.install.machine import Machine
from tests.rig.room import Room

SOURCE = "/srv/satellite"
INSTALL = f"{SOURCE}/systemd/install.sh --no-sound"
CONFIG = "/etc/satellite/config.yaml"
DROP_INS = "/etc/systemd/system/satellite.service.d"
SCORE = 2.0
# of the unit, and time for another process to be up, on a machine that has other things to do
WATCHDOG_S, RESTART_S = 30.0, 60.0


class Failed(Exception):
    """A step that did not show what it is to show."""


@dataclass
class Proof:
    """Between the steps."""

    machine: Machine
    room: Room | None
    feeds: bool
    """Whether the daemon feeds the watchdog; if not, it is switched off but for the step that is about it."""
    before: set[str] = field(default_factory=set)
    accounts: str = ""

    def show(self, *names: str) -> list[str]:
        """Properties of the service."""
        said = self.machine.run(f"systemctl show satellite {' '.join(f'-p {name}' for name in names)}")
        found = dict(line.partition("=")[::2] for line in said.splitlines())
        return [found[name] for name in names]

    def wait(self, what: str, is_so: Callable[[], bool], timeout_s: float = RESTART_S) -> float:
        """Until it is so; after how many seconds."""
        begun_s = time.monotonic()
        while time.monotonic() - begun_s < timeout_s:
            if is_so():
                return time.monotonic() - begun_s
            time.sleep(0.05)
        raise Failed(f"not {what} within {timeout_s:.0f} s\n{self.log()}")

    def wait_until_ready(self, timeout_s: float = RESTART_S) -> float:
        """Until the service is active."""
        return self.wait("active", lambda: self.show("ActiveState") == ["active"], timeout_s)

    def log(self, lines: int = 15) -> str:
        """The end of the service's journal."""
        return self.machine.run(f"journalctl -u satellite -n {lines} -o cat --no-pager", check=False)

    def pid(self) -> int:
        """Of the daemon, as the machine numbers it."""
        return int(self.show("MainPID")[0])

    def drop_in(self, name: str, text: str) -> None:
        """A change of the unit."""
        folder = self.machine.root / DROP_INS.lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.conf").write_text(text)
        self.machine.run("systemctl daemon-reload")

    def files(self) -> set[str]:
        """All that is on the disk, but for what packages and logs are made of."""
        aside = (
            "/proc",
            "/sys",
            "/dev",
            "/run",
            "/tmp",
            "/var/tmp",
            "/var/log",
            "/var/cache",
            "/var/lib/dpkg",
            "/var/lib/apt",
            "/srv",
        )
        pruned = " -o ".join(f"-path {path}" for path in (*aside, "/var/lib/systemd", "/etc/ssl/certs"))
        return set(self.machine.run(rf"find / -xdev \( {pruned} \) -prune -o -print | grep -v __pycache__").splitlines())

    def remember(self) -> None:
        """What is there before the installation, and whom the machine knows."""
        self.before, self.accounts = self.files(), self.machine.run("cut -d: -f1 /etc/passwd /etc/group")


Step = Callable[[Proof], str]
STEPS: dict[str, Step] = {}


def step(name: str) -> Callable[[Step], Step]:
    """Enters it in the table."""

    def enter(function: Step) -> Step:
        STEPS[name] = function
        return function

    return enter


def check(is_so: bool, what: str) -> None:
    """Failed if not."""
    if not is_so:
        raise Failed(what)


def refused(proof: Proof, how: str, command: str, words: str) -> None:
    """The command fails with these words, and leaves nothing."""
    files = proof.files()
    said = proof.machine.run(f"{command}; echo ended with $?", check=False)
    check(words in said and "ended with 1" in said, f"{how}: it says {said[-1500:]}")
    check(proof.files() == files, f"{how}: it leaves {sorted(proof.files() - files)[:5]}")


def host_pid(proof: Proof) -> int:
    """Of the daemon, as the host numbers it."""
    inside = str(proof.pid())
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(FileNotFoundError, ProcessLookupError):
            numbers = next((line.split()[1:] for line in status.read_text().splitlines() if line.startswith("NSpid")), [])
            # of this machine: with its PID 1 as an ancestor
            if len(numbers) > 1 and numbers[-1] == inside and _is_of(int(numbers[0]), proof.machine.init()):
                return int(numbers[0])
    raise Failed("the daemon is not to be found from here")


def _is_of(pid: int, init: int) -> bool:
    return Path(f"/proc/{pid}/ns/pid").readlink() == Path(f"/proc/{init}/ns/pid").readlink()
