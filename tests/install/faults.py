"""What happens to a satellite in its life, and that it is there again; and what it must not come back from."""

import time

from tests.install.hang import audio_thread, hung
from tests.install.proof import CONFIG, DROP_INS, RESTART_S, WATCHDOG_S, Proof, check, host_pid, step


@step("reboot")
def reboot(proof: Proof) -> str:
    proof.machine.reboot()
    proof.wait_until_ready()
    return "comes up by itself, with the system"


@step("killed")
def killed(proof: Proof) -> str:
    pid = proof.pid()
    check(pid > 0, "it does not run")
    proof.machine.run(f"kill -9 {pid}")
    took_s = proof.wait("another process", lambda: proof.pid() not in (0, pid) and proof.show("ActiveState") == ["active"])
    return f"kill -9: active again after {took_s:.1f} s"


@step("queue")
def queue(proof: Proof) -> str:
    said = []
    check(proof.pid() > 0, "it does not run")
    for how in (f"kill -9 {proof.pid()}", "systemctl restart --no-block satellite"):
        proof.machine.run(how)
        time.sleep(0.3)
        answer = proof.machine.run(f'/opt/satellite/bin/python -c "{_DESCRIBE}"', check=False).strip()
        check(answer.startswith("info"), f"{how.partition(' satellite')[0]}: {answer}")
        said.append(f"{how.split()[0]} {answer.partition(' ')[2]}")
        proof.wait_until_ready()
    proof.machine.run("systemctl stop satellite")
    after = proof.machine.run(f'/opt/satellite/bin/python -c "{_DESCRIBE}"', check=False).strip()
    state = proof.show("ActiveState")[0]
    proof.machine.run("systemctl start satellite")
    proof.wait_until_ready()
    check("refused" in after and state == "inactive", f"stopped by hand: {after}, {state}")
    return (
        f"a hub that connects meanwhile is answered: {', '.join(said)}; after `systemctl stop` it is refused, and nothing starts"
    )


_DESCRIBE = """
import socket, time, json
begun = time.monotonic()
try:
    s = socket.create_connection(('127.0.0.1', 10700), 1); s.settimeout(20)
    s.sendall(b'{\\"type\\": \\"describe\\"}\\n')
    line = s.makefile().readline()
    print(json.loads(line)['type'], f'after {time.monotonic() - begun:.1f} s')
except (OSError, ValueError) as error:
    print(error)
"""


@step("watchdog")
def watchdog(proof: Proof) -> str:
    proof.machine.run(f"rm -f {DROP_INS}/watchdog.conf; systemctl daemon-reload; systemctl restart satellite")
    proof.wait_until_ready()
    pid = proof.pid()
    try:
        # longer than the watchdog: healthy, it is left alone
        time.sleep(WATCHDOG_S + 8)
        check(proof.pid() == pid, f"restarted while nothing was wrong\n{proof.log()}")
        with hung(audio_thread(host_pid(proof))):
            took_s = proof.wait("restarted", lambda: proof.pid() not in (0, pid), WATCHDOG_S + RESTART_S)
        proof.wait_until_ready()
        log = proof.log(60)
        check("Watchdog timeout" in log, log)
    finally:
        if not proof.feeds:
            proof.drop_in("watchdog", "[Service]\nWatchdogSec=0\n")
            proof.machine.run("systemctl restart satellite")
    return f"well for {WATCHDOG_S + 8:.0f} s; the audio thread alone hung, the event loop alive: restarted after {took_s:.0f} s"


@step("unplugged")
def unplugged(proof: Proof) -> str:
    check(proof.room is not None, "there is no room")
    assert proof.room is not None
    pid = proof.pid()
    proof.room.do("unplug")
    time.sleep(WATCHDOG_S + 8)
    check(proof.pid() == pid, f"restarted\n{proof.log()}")
    count = len(proof.room.events("start"))
    proof.room.do("plug")
    proof.room.wait("start", count=count + 1, timeout=RESTART_S)
    return f"{WATCHDOG_S + 8:.0f} s without the card: the same process, and it takes the card again"


@step("exit 78")
def exit_78(proof: Proof) -> str:
    run = proof.machine.run
    run(f"cp {CONFIG} /srv/kept.yaml; printf 'hub:\\n  prot: 1\\n' >> {CONFIG}; systemctl restart satellite", check=False)
    proof.wait("failed", lambda: proof.show("ActiveState") == ["failed"])
    code, restarts = proof.show("ExecMainStatus", "NRestarts")
    time.sleep(6)
    check(proof.show("ActiveState", "NRestarts") == ["failed", restarts] and code == "78", f"{code}\n{proof.log()}")
    line = next((line for line in proof.log().splitlines() if "hub.prot" in line), "")
    check(f"{CONFIG}:" in line, proof.log())
    run(f"cp /srv/kept.yaml {CONFIG}; systemctl restart satellite")
    proof.wait_until_ready()
    return f"stays down; the journal: {line}"
