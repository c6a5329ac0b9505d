#!/usr/bin/env bash
# Installs the satellite of this checkout as a service, or upgrades it in place; --help says how.
#
# What is new is built beside what runs, and a link is turned over to it when it is complete. Where the service does not come up with
# it, the link is turned back.
set -euo pipefail

readonly PROGRAM=/opt/satellite
readonly RELEASES=/opt/satellite.releases
readonly COMMAND=/usr/local/bin/satellite
readonly CONFIG=/etc/satellite
readonly STATE=/var/lib/satellite
readonly UNITS=/etc/systemd/system
readonly UNIT=satellite.service
readonly ACCOUNT=satellite
# that of the headers, whatever else root's PATH has
readonly PYTHON=/usr/bin/python3
# what is built is Python's (3.11 or newer), and pyalsaaudio, which needs the compiler and the headers; alsa-utils has the mixer
readonly PACKAGES=(python3-venv python3-dev gcc libc6-dev libasound2-dev alsa-utils)
# two installations beside each other, what they are built from, and the packages where they are missing
readonly NEEDED_MB=600 NEEDED_FOR_PACKAGES_MB=500
# a Pi Zero loads the models in 20 s
readonly READY_S=90

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
action=install extras=() knows_extras=no is_dry=no needs_sound=yes starts=yes keeps_config=no
work=$RELEASES/work fresh="" previous="" is_at_risk=no

usage() {
    cat <<END
Usage: sudo systemd/install.sh [OPTION...]

Installs the satellite of this checkout on 64-bit Raspberry Pi OS or Debian 12 or 13, or upgrades it, and starts it. Run it again
after \`git pull\`: where nothing is new nothing is done, and where something fails what runs goes on running.

  --with EXTRA,...   also gpio (a button and a light), mqtt, openwakeword; an upgrade keeps what there is, unless this names others
  --no-sound         although no sound card is there yet
  --no-start         do not start the service, and not at boot
  --dry-run          show each command and do nothing
  --uninstall        remove all of it: service, program, user, state and configuration
  --keep-config      with --uninstall: leave $CONFIG
  --help

What it puts where: $PROGRAM (the program, a link into $RELEASES), $CONFIG/config.yaml (made once, from the
sound devices that are there), $STATE, $UNITS/$UNIT, $COMMAND, the user $ACCOUNT.
END
}

# ---- what is said, and what is done

say() { printf '==> %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }

stop_with() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

# something that is not as it has to be: the end, or only said
objection() {
    if [ "$is_dry" = yes ]; then warn "it would end here: $*"; else stop_with "$@"; fi
}

# a command, or what it would be
run() {
    if [ "$is_dry" = yes ]; then
        printf '   '
        printf ' %q' "$@"
        printf '\n'
    else
        "$@"
    fi
}

# the same, without its output unless it fails
quietly() {
    if [ "$is_dry" = yes ] || "$@" >"$work/output" 2>&1; then
        [ "$is_dry" = no ] || run "$@"
        return 0
    fi
    tail -n 30 "$work/output" >&2
    return 1
}

clean_up() {
    local code=$?
    [ "$is_at_risk" = no ] || go_back
    # one that was not finished
    [ -z "$fresh" ] || [ -e "$fresh/complete" ] || rm -rf "$fresh"
    rm -rf "$work"
    rmdir "$RELEASES" 2>/dev/null || true
    exit "$code"
}

# ---- may it be here?

release_says() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\).*/\1/p" /etc/os-release; }

check_machine() {
    local architecture id="" like="" version=""
    [ "$is_dry" = yes ] || [ "$(id -u)" = 0 ] || stop_with "it has to be root: sudo $0"
    if [ -r /etc/os-release ]; then
        id=$(release_says ID)
        like=$(release_says ID_LIKE)
        version=$(release_says VERSION_ID)
    fi
    case " $id $like " in
        *" debian "*) ;;
        *) stop_with "this is $id; it has to be Raspberry Pi OS, Debian, or a relative of Debian with apt" ;;
    esac
    architecture=$(dpkg --print-architecture)
    case "$architecture" in
        arm64 | amd64) ;;
        *) stop_with "this system is 32-bit or unknown ($architecture); it has to be 64-bit, as onnxruntime is. A Raspberry Pi 3, 4, 5" \
            "or Zero 2 W can: install Raspberry Pi OS (64-bit)" ;;
    esac
    case "$id $version" in
        "debian 12" | "debian 13") ;;
        *) warn "tested on Debian 12 and 13 and Raspberry Pi OS made of these, and not on $id $version" ;;
    esac
    [ -d /run/systemd/system ] || objection "systemd does not run here: see README.md for a satellite without it"
}

check_account() {
    local uid
    uid=$(id -u "$ACCOUNT" 2>/dev/null) || return 0
    [ "$uid" -lt 1000 ] || stop_with "there is a user $ACCOUNT already who is a person's (uid $uid), and the service needs that name"
}

check_space() {
    local needed=$NEEDED_MB free_kb
    [ ${#missing[@]} = 0 ] || needed=$((needed + NEEDED_FOR_PACKAGES_MB))
    free_kb=$(df --output=avail -k /opt | tail -n 1)
    [ "$free_kb" -ge $((needed * 1024)) ] || objection "$((free_kb / 1024)) MB are free at /opt; it takes $needed MB"
}

has_sound() { grep -qs '^ *[0-9]' /proc/asound/cards; }

check_sound() {
    has_sound && return 0
    local why="ALSA knows no sound card (/proc/asound/cards)"
    if [ -e "$PROGRAM" ] || [ "$needs_sound" = no ]; then
        warn "$why; the satellite takes one as soon as it is plugged in"
    else
        objection "$why. Plug in the microphone and the speaker, or enable the HAT; --no-sound installs without"
    fi
}

check_extras() {
    local extra
    for extra in ${extras[@]+"${extras[@]}"}; do
        case "$extra" in
            gpio | mqtt | openwakeword) ;;
            *) stop_with "--with $extra: there are gpio, mqtt and openwakeword" ;;
        esac
    done
}

# ---- system packages

find_missing() {
    local package wanted=("${PACKAGES[@]}")
    missing=()
    ! has_extra gpio || wanted+=(python3-lgpio)
    for package in "${wanted[@]}"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
}

has_extra() {
    case " ${extras[*]-} " in *" $1 "*) ;; *) return 1 ;; esac
}

install_packages() {
    [ ${#missing[@]} -gt 0 ] || return 0
    say "System packages: ${missing[*]}"
    # a source of somebody else's may be broken; what counts is whether the packages come
    quietly apt-get update -q || warn "apt could not get all of its lists"
    case " ${missing[*]} " in
        *" python3-lgpio "*)
            apt-cache show python3-lgpio >/dev/null 2>&1 ||
                objection "--with gpio takes python3-lgpio, which Raspberry Pi OS has, and this system has not"
            ;;
    esac
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}" ||
        stop_with "apt could not install ${missing[*]}: is the network up? Nothing else has been done"
    [ "$is_dry" = yes ] || printf '%s\n' "${missing[@]}" >>"$RELEASES/apt-packages"
}

check_python() {
    # in a dry run it may have to be installed first
    [ -x "$PYTHON" ] || return 0
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        objection "$("$PYTHON" --version) is too old; it has to be 3.11 or newer, as in Debian 12"
}

# ---- the program

# changes with whatever the program is made of
identity() {
    (
        cd "$checkout"
        find satellite systemd/locks pyproject.toml requirements.txt -type f -not -name '*.pyc' -print0 | LC_ALL=C sort -z |
            xargs -0 sha256sum
        "$PYTHON" --version 2>/dev/null || true
        printf '%s\n' ${extras[@]+"${extras[@]}"}
    ) | sha256sum | cut -c 1-12
}

pip() {
    # a cache would stay in root's home
    quietly env -u PYTHONPATH -u PYTHONHOME TMPDIR="$work" "$work/build/bin/python" -I -m pip --no-cache-dir --disable-pip-version-check \
        --retries 2 --timeout 20 "$@"
}

build() {
    local extra locks=(-r "$checkout/requirements.txt") options=() wheels=$work/wheels
    for extra in ${extras[@]+"${extras[@]}"}; do
        locks+=(-r "$checkout/systemd/locks/$extra.txt")
    done
    # the library for the pins comes from apt
    ! has_extra gpio || options+=(--system-site-packages)

    say "What builds, from a lock file with hashes"
    quietly "$PYTHON" -m venv "$work/build" || return 1
    pip install --require-hashes -r "$checkout/systemd/locks/build.txt" || {
        warn "is PyPI, or the index that pip is set to, within reach?"
        return 1
    }
    say "The satellite"
    pip wheel --no-build-isolation --no-deps --wheel-dir "$wheels" "$checkout" || return 1
    say "What the satellite needs, from a lock file with hashes; minutes on a small Pi"
    pip wheel --require-hashes --no-build-isolation --use-pep517 --no-deps --wheel-dir "$wheels" "${locks[@]}" || return 1
    quietly "$PYTHON" -m venv --without-pip ${options[@]+"${options[@]}"} "$fresh" || return 1
    local built=("$wheels"/*.whl)
    pip --python "$fresh" install --no-index --no-deps --ignore-installed "${built[@]}" || return 1
    quietly "$fresh/bin/satellite" --version || return 1
    note_extras
    run touch "$fresh/complete"
}

# what the installation that is there has, if nothing else is wanted
recall_extras() {
    if [ "$knows_extras" = no ] && [ -r "$PROGRAM/extras" ]; then
        mapfile -t extras <"$PROGRAM/extras"
    fi
}

note_extras() {
    [ "$is_dry" = yes ] || [ ${#extras[@]} = 0 ] || printf '%s\n' "${extras[@]}" >"$fresh/extras"
}

# the link, in one step; what was installed there by hand goes aside
turn_to() {
    if [ -d "$PROGRAM" ] && [ ! -L "$PROGRAM" ]; then
        run mv -T "$PROGRAM" "$RELEASES/by-hand"
    fi
    run ln -sfn "$1" "$PROGRAM.new"
    run mv -T "$PROGRAM.new" "$PROGRAM"
}

turn_back() {
    # only the unit is new
    [ "$previous" != "$fresh" ] || return 0
    if [ "$previous" = "$PROGRAM" ]; then
        # what was installed by hand; its scripts know no other place
        [ -d "$RELEASES/by-hand" ] || return 0
        rm -f "$PROGRAM"
        mv -T "$RELEASES/by-hand" "$PROGRAM"
    else
        turn_to "$previous"
    fi
    rm -rf "$fresh"
}

drop_old_releases() {
    local release
    for release in "$RELEASES"/*/; do
        release=${release%/}
        # what was installed by hand may have its owner's files in it
        [ ! -d "$release" ] || [ "$release" = "$fresh" ] || [ "$release" = "$RELEASES/by-hand" ] || run rm -rf "$release"
    done
    [ ! -d "$RELEASES/by-hand" ] || say "What was installed by hand is at $RELEASES/by-hand, and not needed any more"
}

# ---- its user, its configuration, its unit

make_account() {
    local groups=audio
    ! getent group gpio >/dev/null || groups=audio,gpio
    if id -u "$ACCOUNT" >/dev/null 2>&1; then
        run usermod --append --groups "$groups" "$ACCOUNT"
    else
        say "User $ACCOUNT, in the groups ${groups/,/ and }"
        run useradd --system --user-group --groups "$groups" --home-dir "$STATE" --no-create-home --shell /usr/sbin/nologin "$ACCOUNT"
    fi
}

make_config() {
    run install -d -m 755 "$CONFIG"
    if [ -e "$CONFIG/config.yaml" ] || [ -L "$CONFIG/config.yaml" ]; then
        say "$CONFIG/config.yaml stays as it is"
        return 0
    fi
    say "$CONFIG/config.yaml, from the sound devices that are there"
    local devices=(setpriv --reuid="$ACCOUNT" --regid="$ACCOUNT" --init-groups "$PROGRAM/bin/satellite" devices --config)
    if [ "$is_dry" = yes ]; then
        printf '    %s > %s\n' "${devices[*]}" "$CONFIG/config.yaml"
        return 0
    fi
    # 1: no device can be used; the file says so
    (cd / && "${devices[@]}" >"$work/config.yaml") || [ $? = 1 ] || stop_with "the sound devices could not be listed"
    install -m 644 "$work/config.yaml" "$CONFIG/config.yaml"
}

systemd_version() { systemctl --version 2>/dev/null | sed -n '1s/^systemd \([0-9]*\).*/\1/p'; }

install_unit() {
    local own=$checkout/systemd back_off=$UNIT.d/back-off.conf version
    version=$(systemd_version)
    run install -m 644 "$own/$UNIT" "$UNITS/$UNIT"
    if [ "${version:-0}" -ge 254 ]; then
        run install -D -m 644 "$own/$back_off" "$UNITS/$back_off"
    fi
    run systemctl daemon-reload
}

keep_unit() {
    [ ! -e "$UNITS/$UNIT" ] || cp -a "$UNITS/$UNIT" "$work/$UNIT"
}

unit_back() {
    [ ! -e "$work/$UNIT" ] || cp -a "$work/$UNIT" "$UNITS/$UNIT"
    systemctl daemon-reload
}

install_command() {
    if [ -e "$COMMAND" ] && [ "$(readlink "$COMMAND")" != "$PROGRAM/bin/satellite" ]; then
        warn "$COMMAND is another's, and stays; ours is $PROGRAM/bin/satellite"
        return 0
    fi
    run ln -sfn "$PROGRAM/bin/satellite" "$COMMAND"
}

# ---- the service

property() { systemctl show --property "$1" --value "$UNIT" 2>/dev/null || true; }

# until it is ready; fails as soon as it cannot become so by itself
wait_until_ready() {
    local restarts deadline=$((SECONDS + READY_S))
    restarts=$(property NRestarts)
    while [ "$SECONDS" -lt "$deadline" ]; do
        case "$(property ActiveState)" in
            active) return 0 ;;
            failed)
                # before it is started again it is so for a moment
                sleep 1
                [ "$(property ActiveState)" != failed ] || return 1
                ;;
        esac
        [ "$(property NRestarts)" -le $((restarts + 2)) ] || return 1
        sleep 0.5
    done
    return 1
}

show_log() {
    journalctl --sync || true
    journalctl --unit "$UNIT" --lines 20 --output cat --no-pager >&2 || true
}

port_of_config() {
    "$fresh/bin/python" -I -c 'from pathlib import Path; from satellite.config import load_config; import sys
print(load_config(Path(sys.argv[1]), {}).hub.port)' "$CONFIG/config.yaml" 2>/dev/null || echo 10700
}

# who else listens where we are to listen
port_holder() {
    ss -Hltnp "sport = :$(port_of_config)" 2>/dev/null | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1 (process \2)/p' | head -n 1 || true
}

start_first() {
    local holder
    if [ "$is_dry" = no ] && [ "$starts" = yes ]; then
        holder=$(port_holder)
        if [ -n "$holder" ]; then
            starts=no
            warn "$holder listens on port $(port_of_config), so the satellite is not started. Stop it, e.g. with" \
                "sudo systemctl disable --now wyoming-satellite"
        fi
    fi
    if [ "$starts" = no ]; then
        say "Installed, and not started. When you are ready: sudo systemctl enable --now satellite"
        return 0
    fi
    say "Start, now and at every boot"
    run systemctl enable --quiet "$UNIT"
    [ "$was_active" != failed ] || run systemctl reset-failed "$UNIT"
    run systemctl start --no-block "$UNIT"
    [ "$is_dry" = no ] || return 0
    wait_until_ready && return 0
    show_log
    stop_with "it is installed, but it does not come up; its last lines are above"
}

restart_or_go_back() {
    if [ "$was_active" = inactive ]; then
        say "The service was stopped, and stays so: sudo systemctl start satellite"
        return 0
    fi
    say "Restart"
    run systemctl reset-failed "$UNIT"
    run systemctl restart --no-block "$UNIT"
    [ "$is_dry" = no ] || return 0
    if [ "$was_active" = activating ]; then
        say "It did not come up before, as when another program has its port: journalctl -u satellite says why"
        return 0
    fi
    # the job of the restart is in the queue by now, but the old one may still be active
    while [ -n "$(systemctl list-jobs --no-legend "$UNIT" 2>/dev/null)" ] && [ "$(property ActiveState)" != activating ]; do
        sleep 0.2
    done
    wait_until_ready && return 0
    show_log
    stop_with "what is new does not come up; its last lines are above"
}

# whatever came in between, a Ctrl-C included
go_back() {
    say "Back to what was there"
    # else it is started again from what is half gone
    systemctl stop "$UNIT" || true
    unit_back
    turn_back
    [ "$was_active" = inactive ] || systemctl restart --no-block "$UNIT"
    say "The satellite that was there is in its place again"
}

# ---- all of it

next_steps() {
    [ "$is_dry" = no ] || return 0
    cat <<END

$("$PROGRAM/bin/satellite" --version) is installed.

  its name and devices   sudoedit $CONFIG/config.yaml, then sudo systemctl restart satellite
  how it sounds          sudo systemctl stop satellite && sudo -u $ACCOUNT satellite check; sudo systemctl start satellite
  Home Assistant         it is discovered: Settings > Devices & services > Add
  what it does           systemctl status satellite; journalctl -u satellite
END
}

install_all() {
    recall_extras
    find_missing
    check_account
    check_space
    check_sound
    run rm -rf "$work"
    run install -d "$work"
    install_packages
    check_python
    was_active=$(property ActiveState)
    was_active=${was_active:-inactive}
    [ ! -e "$PROGRAM" ] || previous=$(readlink -f "$PROGRAM")
    fresh=$RELEASES/$(identity)
    if [ "$previous" = "$fresh" ] && [ -e "$fresh/complete" ]; then
        say "The program is this one already"
    else
        [ "$is_dry" = yes ] || rm -rf "$fresh"
        build || stop_with "the program could not be built, for the reason above; nothing that runs has been touched"
    fi
    finish
}

# the program or its unit
is_changed() { [ "$previous" != "$fresh" ] || ! cmp -s "$checkout/systemd/$UNIT" "$UNITS/$UNIT"; }

finish() {
    keep_unit
    make_account
    # one that has failed is nothing to go back to
    if [ -n "$previous" ] && is_changed && [ "$was_active" != failed ] && [ "$is_dry" = no ]; then is_at_risk=yes; fi
    if [ "$previous" != "$fresh" ]; then turn_to "$fresh"; fi
    make_config
    install_unit
    install_command
    if [ -z "$previous" ] || [ "$was_active" = failed ]; then
        start_first
    elif [ "$previous" != "$fresh" ] || ! cmp -s "$work/$UNIT" "$UNITS/$UNIT"; then
        restart_or_go_back
    fi
    is_at_risk=no
    drop_old_releases
    next_steps
}

uninstall() {
    local packages=""
    say "Stop"
    run systemctl disable --now --quiet "$UNIT" 2>/dev/null || true
    say "Remove service, program, state and user"
    run rm -rf "${UNITS:?}/$UNIT" "$UNITS/$UNIT.d"
    run systemctl daemon-reload
    run systemctl reset-failed "$UNIT" 2>/dev/null || true
    [ ! -r "$RELEASES/apt-packages" ] || packages=$(sort -u "$RELEASES/apt-packages" | xargs)
    [ "$(readlink "$COMMAND")" != "$PROGRAM/bin/satellite" ] || run rm -f "$COMMAND"
    run rm -rf "$PROGRAM" "$RELEASES" "$STATE" /run/satellite
    if [ "$keeps_config" = no ]; then run rm -rf "$CONFIG"; fi
    if id -u "$ACCOUNT" >/dev/null 2>&1; then run userdel "$ACCOUNT"; fi
    if getent group "$ACCOUNT" >/dev/null && [ "$is_dry" = no ]; then run groupdel "$ACCOUNT"; fi
    [ -z "$packages" ] || say "These packages were installed for it, and may serve others by now: sudo apt-get remove $packages"
    say "Nothing else is left$([ "$keeps_config" = no ] || echo " but $CONFIG")"
}

take_extras() {
    knows_extras=yes
    IFS=, read -ra extras <<<"$1"
}

read_options() {
    while [ $# -gt 0 ]; do
        case "$1" in
            --with)
                [ $# -gt 1 ] || stop_with "--with wants a list: gpio,mqtt,openwakeword"
                take_extras "$2"
                shift
                ;;
            --with=*) take_extras "${1#*=}" ;;
            --no-sound) needs_sound=no ;;
            --no-start) starts=no ;;
            --dry-run) is_dry=yes ;;
            --uninstall) action=uninstall ;;
            --keep-config) keeps_config=yes ;;
            --help | -h)
                usage
                exit 0
                ;;
            *) stop_with "$1 is no option; --help shows them" ;;
        esac
        shift
    done
    check_extras
}

main() {
    # whatever root's is, the service's user has to read the program
    umask 022
    read_options "$@"
    check_machine
    if [ "$is_dry" = no ]; then
        exec 9>/run/lock/satellite-install
        flock -n 9 || stop_with "another one is at work"
        trap clean_up EXIT
    fi
    if [ "$action" = uninstall ]; then
        check_account
        uninstall
    else
        install_all
    fi
}

main "$@"
