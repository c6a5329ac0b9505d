"""A bare Debian that boots: a tree by debootstrap, systemd-nspawn, and a network of its own behind slirp4netns.

Its systemd is PID 1. It needs a pure cgroup v2 to enforce DeviceAllow=, so it gets one, whatever the host has mounted, and the
right to load the BPF programs that systemd enforces it with.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

CODENAMES = {"12": "bookworm", "13": "trixie"}

# what has to be on the host
TOOLS = ("debootstrap", "systemd-nspawn", "slirp4netns", "ip", "nsenter", "unshare")

# of the packages that a Raspberry Pi OS Lite has, what the proof and a real systemd need; no Python, no compiler, no ALSA
_INCLUDED = "systemd,systemd-sysv,dbus,ca-certificates,iproute2,procps,kmod"

BOOT_S = 60.0
POLL_S = 0.1

_BOOT = """\
set -e
mount --make-rprivate /
if [ "$(stat -fc %T /sys/fs/cgroup)" != cgroup2fs ]; then
    umount -R /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
fi
mkdir -p "/sys/fs/cgroup/$1"
echo $$ > "/sys/fs/cgroup/$1/cgroup.procs"
shift
exec systemd-nspawn "$@"
"""


def tree(version: str, cache: Path) -> Path:
    """A bare Debian, made once."""
    made = cache / CODENAMES[version]
    if not made.exists():
        cache.mkdir(parents=True, exist_ok=True)
        unfinished = made.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        _call("debootstrap", "--variant=minbase", f"--include={_INCLUDED}", CODENAMES[version], str(unfinished))
        unfinished.rename(made)
    return made


class Machine:
    """One that is booted from a copy of a tree; `with Machine(...) as machine`."""

    def __init__(self, name: str, bare: Path, directory: Path, binds: Sequence[str] = (), is_fresh: bool = True) -> None:
        self.name, self.root, self._binds = name, directory / "root", binds
        self._log = directory / "console"
        directory.mkdir(parents=True, exist_ok=True)
        if is_fresh or not self.root.exists():
            _call("rm", "-rf", "--one-file-system", str(self.root))
            _call("cp", "-a", "--reflink=auto", str(bare), str(self.root))
            self._settle()

    def _settle(self) -> None:
        """The host's way to packages, which is no part of the project."""
        for path in ("/etc/ssl/certs/ca-certificates.crt", "/etc/pip.conf"):
            if Path(path).exists():
                self._give(path)
        for folder, pattern in (("/etc/apt/apt.conf.d", "*"), ("/etc/apt/trusted.gpg.d", "*")):
            for file in Path(folder).glob(pattern):
                if "docker" not in file.name and b"PackageKit" not in file.read_bytes() and b"appstream" not in file.read_bytes():
                    self._give(str(file))
        # behind slirp4netns the host's resolver is here
        (self.root / "etc/resolv.conf").unlink(missing_ok=True)
        (self.root / "etc/resolv.conf").write_text("nameserver 10.0.2.3\n")
        (self.root / "etc/hostname").write_text("satellite-proof\n")

    def _give(self, path: str) -> None:
        there = self.root / path.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, there)

    def __enter__(self) -> "Machine":
        _call("ip", "netns", "add", self.name)
        namespace = f"/run/netns/{self.name}"
        _call("ip", "-n", self.name, "link", "set", "lo", "up")
        self._slirp = subprocess.Popen(
            ["slirp4netns", "--netns-type=path", "--configure", namespace, "tap0"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _boot(self) -> None:
        options = ["--quiet", "--boot", f"--directory={self.root}", f"--machine={self.name}", "--register=no", "--keep-unit"]
        options += ["--console=read-only", f"--network-namespace-path=/run/netns/{self.name}"]
        options += ["--capability=CAP_BPF", "--system-call-filter=bpf"]
        options += [f"--bind={path}" for path in self._binds]
        with self._log.open("ab") as log:
            self._nspawn = subprocess.Popen(
                ["unshare", "--mount", "bash", "-c", _BOOT, "boot", self.name, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline_s = time.monotonic() + BOOT_S
        while time.monotonic() < deadline_s:
            if self._nspawn.poll() is not None:
                raise RuntimeError(f"{self.name} did not boot; {self._log} says why")
            with suppress(RuntimeError, FileNotFoundError):
                if self.run("systemctl is-system-running", check=False).strip() in ("running", "degraded"):
                    return
            time.sleep(POLL_S)
        raise TimeoutError(f"{self.name} did not boot; {self._log} says how far it came")

    def __exit__(self, *exc: object) -> None:
        with suppress(ProcessLookupError, RuntimeError):
            # what init understands as halt
            os.kill(self.init(), signal.SIGRTMIN + 4)
        with suppress(subprocess.TimeoutExpired):
            self._nspawn.wait(20)
        self._nspawn.kill()
        self._slirp.kill()
        self._slirp.wait()
        _call("ip", "netns", "delete", self.name)

    def init(self) -> int:
        """Its PID 1, as the host numbers it."""
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children").read_text().split()
        if not children:
            raise RuntimeError(f"{self.name} does not run")
        return int(children[-1])

    def reboot(self) -> None:
        """Until it is up again."""
        self.run("systemctl reboot", check=False)
        # nspawn leaves the next boot to whoever started it
        self._nspawn.wait(BOOT_S)
        self._boot()

    def run(self, script: str, check: bool = True, timeout_s: float = 900.0) -> str:
        """What a shell there prints, errors included. RuntimeError if it fails."""
        done = subprocess.run(
            ["nsenter", "--target", str(self.init()), "--all", "--wdns=/", "env", "-i", *_ENVIRONMENT, "bash", "-c", script],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            # what it signals is there, and not here
            start_new_session=True,
        )
        said = done.stdout.decode(errors="replace")
        if check and done.returncode:
            raise RuntimeError(f"{script!r} ended with {done.returncode}:\n{said[-3000:]}")
        return said


_ENVIRONMENT = (
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG=C.UTF-8",
    "HOME=/root",
    "PIP_CERT=/etc/ssl/certs/ca-certificates.crt",
)


def _call(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
