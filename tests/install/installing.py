"""The installer: what it refuses, what it does, that it does it again, upgrades, goes back, and leaves nothing."""

import time

from tests.install.proof import CONFIG, INSTALL, SCORE, SOURCE, Proof, check, refused, step


@step("dry run")
def dry_run(proof: Proof) -> str:
    proof.remember()
    said = proof.machine.run(f"setpriv --reuid=65534 --regid=65534 --clear-groups {SOURCE}/systemd/install.sh --dry-run")
    check(proof.files() == proof.before, "something has changed")
    wanted = ("apt-get install", "pip", "--require-hashes", "useradd", "systemctl start")
    check(all(words in said for words in wanted), said)
    return f"{len(said.splitlines())} lines, as nobody; nothing changed"


@step("fails early")
def fails_early(proof: Proof) -> str:
    plain, run = f"{SOURCE}/systemd/install.sh", proof.machine.run
    refused(proof, "not root", f"setpriv --reuid=65534 --regid=65534 --clear-groups {plain}", "it has to be root")
    refused(proof, "no sound card", plain, "ALSA knows no sound card")
    run("mkdir -p /srv/arm && printf '#!/bin/sh\\necho armhf\\n' > /srv/arm/dpkg && chmod +x /srv/arm/dpkg")
    refused(proof, "32-bit", f"PATH=/srv/arm:$PATH {INSTALL}", "this system is 32-bit")
    run("cp /etc/os-release /srv/ && rm /etc/os-release && printf 'ID=fedora\\n' > /etc/os-release")
    refused(proof, "not Debian", INSTALL, "this is fedora")
    run("rm /etc/os-release && ln -s ../usr/lib/os-release /etc/os-release")
    run("mount -t tmpfs -o size=100m none /opt")
    refused(proof, "full disk", INSTALL, "MB are free at /opt")
    run("umount /opt && ip link set tap0 down")
    try:
        refused(proof, "no network", INSTALL, "is the network up?")
    finally:
        run("ip link set tap0 up && (ip route add default via 10.0.2.2 2>/dev/null || true)")
    return "not root, no sound card, 32-bit, not Debian, full disk, no network: told, and nothing left behind"


@step("install")
def install(proof: Proof) -> str:
    if not proof.before:
        proof.remember()
    if not proof.feeds:
        proof.drop_in("watchdog", "[Service]\nWatchdogSec=0\n")
    begun_s = time.monotonic()
    said = proof.machine.run(INSTALL)
    took_s = time.monotonic() - begun_s
    state, status, user = proof.show("ActiveState", "StatusText", "User")
    check(state == "active" and user == "satellite", f"{state} as {user}: {said[-800:]}")
    check(bool(status), "there is no STATUS")
    check(proof.machine.run("systemctl is-enabled satellite").strip() == "enabled", "it is not enabled")
    size = proof.machine.run("du -sm /opt/satellite/ | cut -f1").strip()
    return f"{took_s:.0f} s with packages; active, enabled, STATUS '{status}', {size} MB"


@step("verify")
def verify(proof: Proof) -> str:
    said = proof.machine.run("systemd-analyze verify satellite.service", check=False)
    check(said.strip() == "", said)
    unit = "/etc/systemd/system/satellite.service"
    bare = proof.machine.run(f"systemd-analyze security --offline=true --no-pager {unit} | tail -1", check=False)
    live = proof.machine.run("systemd-analyze security --no-pager satellite | tail -1", check=False)
    score = float(bare.partition("service: ")[2].split()[0])
    check(score <= SCORE, bare)
    version = proof.machine.run("systemctl --version | head -1").split()[1]
    return f"systemd {version}: nothing to say; exposure {score}, as it runs {live.partition('service: ')[2].split()[0]}"


@step("again")
def again(proof: Proof) -> str:
    proof.machine.run(f"sed -i 's/^name: .*/name: Kitchen/' {CONFIG}")
    config, pid, files = proof.machine.run(f"cat {CONFIG}"), proof.pid(), proof.files()
    said = proof.machine.run(INSTALL)
    check(proof.pid() == pid, f"it was restarted: {said}")
    check(proof.machine.run(f"cat {CONFIG}") == config, "the configuration was changed")
    check(proof.files() == files, f"files differ: {sorted(proof.files() ^ files)[:5]}")
    return "nothing changed, not even the process; an edited config.yaml is kept"


@step("upgrade")
def upgrade(proof: Proof) -> str:
    run = proof.machine.run
    config, pid = run(f"cat {CONFIG}"), proof.pid()
    run(f"sed -i 's/__version__ = .*/__version__ = \"99.0.0\"/' {SOURCE}/satellite/__init__.py")
    begun_s = time.monotonic()
    run(f"{INSTALL} --with mqtt,openwakeword")
    took_s = time.monotonic() - begun_s
    run("/opt/satellite/bin/python -c 'import aiomqtt, pyopen_wakeword, alsaaudio, numpy'")
    refused(proof, "no pins", f"{INSTALL} --with gpio", "python3-lgpio, which Raspberry Pi OS has")
    check("99.0.0" in run("satellite --version"), "it is the old one")
    check(proof.pid() not in (0, pid) and proof.show("ActiveState") == ["active"], "it was not restarted")
    check(run(f"cat {CONFIG}") == config, "the configuration was changed")
    releases = run("ls /opt/satellite.releases").split()
    check(len([name for name in releases if name != "apt-packages"]) == 1, str(releases))
    return f"99.0.0 with two extras in {took_s:.0f} s, restarted, config.yaml kept, the old one gone"


@step("bad upgrade")
def bad_upgrade(proof: Proof) -> str:
    run, file = proof.machine.run, f"{SOURCE}/satellite"
    was = (run("readlink /opt/satellite"), proof.pid(), run("cat /etc/systemd/system/satellite.service"))
    run(f"cp {SOURCE}/pyproject.toml /srv/; echo '[' >> {SOURCE}/pyproject.toml")
    check("ended with 1" in run(f"{INSTALL}; echo ended with $?", check=False), "it did not say so")
    check((run("readlink /opt/satellite"), proof.pid()) == was[:2], "what cannot be built has been installed")
    run(f"cp /srv/pyproject.toml {SOURCE}/; echo 'raise OSError(\"no good\")' >> {file}/service.py")
    run(f"echo '# new' >> {SOURCE}/systemd/satellite.service")
    said = run(f"{INSTALL}; echo ended with $?", check=False)
    check("ended with 1" in said and "no good" in said, said)
    proof.wait_until_ready()
    check(run("cat /opt/satellite/extras").split() == ["mqtt", "openwakeword"], "the extras are forgotten")
    now = (run("readlink /opt/satellite"), run("cat /etc/systemd/system/satellite.service"))
    check(now == (was[0], was[2]), f"it is not back: {now}")
    run(f"sed -i '$d' {file}/service.py {SOURCE}/systemd/satellite.service")
    return "one that cannot be built touches nothing; one that does not start goes back to the old one, unit included, which runs"


@step("uninstall")
def uninstall(proof: Proof) -> str:
    run = proof.machine.run
    check(bool(proof.before), "needs the step install in the same run")
    run(f"{SOURCE}/systemd/install.sh --uninstall")
    owned = set(run("cat /var/lib/dpkg/info/*.list").splitlines())
    # what the packages' own scripts make
    made = (
        "/etc/alternatives",
        "/etc/hosts",
        "/etc/inputrc",
        "/etc/ld.so.cache",
        "/etc/modules",
        "/etc/networks",
        "/etc/python3",
    )
    more = (
        "/etc/rc",
        "/usr/bin",
        "/usr/lib",
        "/usr/local/lib/python3",
        "/usr/sbin",
        "/usr/share",
        "/var/lib/alsa",
        "/var/lib/python",
    )
    left = {path for path in proof.files() - proof.before - owned if not path.startswith(made + more)}
    ours = {path for path in proof.files() - proof.before if "satellite" in path}
    check(not left and not ours, f"left: {sorted(left | ours)[:20]}")
    now = run("cut -d: -f1 /etc/passwd /etc/group").replace("gpio\n", "")
    check(now == proof.accounts.replace("gpio\n", ""), f"accounts: {now}")
    check("could not be found" in run("systemctl status satellite", check=False), "systemd still knows it")
    return "files and accounts are what they were, but for apt's packages and logs"
