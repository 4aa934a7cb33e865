#!/usr/bin/env bash
# Install or update antt-gate on a Raspberry Pi (Raspberry Pi OS Bookworm or newer) or on another Debian machine.
#
#   sudo systemd/install.sh              install from this checkout, or update; safe to run again
#   systemd/install.sh --dry-run         print every step and do none
#   systemd/install.sh --board pi|other  instead of looking which machine this is
#
# A new version is built beside the old one and put in its place only after the import check at the end. The previous
# version is kept. Nothing moves: the service is not restarted here.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_tree=$(dirname "$here")
home=/opt/antt-gate
dry_run=false
board=

say() { printf '%s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

# Do a step, or print it.
run() {
    if $dry_run; then
        printf '  would run: %s\n' "$*"
    else
        "$@"
    fi
}

# Write standard input to a file of mode 0644, or say so.
write() {
    local file=$1
    if $dry_run; then
        printf '  would write %s:\n' "$file"
        sed 's/^/    /'
    else
        mkdir -p "$(dirname "$file")"
        cat >"$file"
        chmod 0644 "$file"
    fi
}

which_board() {
    if grep -qs 'Raspberry Pi' /proc/device-tree/model; then say pi; else say other; fi
}

is_pi() { [[ $board == pi ]]; }

check_machine() {
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "python3 is older than 3.11; use Raspberry Pi OS Bookworm or newer"
    $dry_run && return
    [[ $EUID -eq 0 ]] || fail "needs root: run it with sudo, or with --dry-run to see what it would do"
    command -v systemctl >/dev/null || fail "there is no systemd here; antt-gate runs as its service"
}

install_packages() {
    say "Packages"
    local packages=(python3-venv)
    # picamera2 and libcamera exist only as Debian packages; lgpio comes the same way.
    is_pi && packages+=(python3-picamera2 python3-lgpio python3-numpy)
    run apt-get update
    run apt-get install --yes --no-install-recommends "${packages[@]}"
}

make_user() {
    say "User, groups and folders"
    run install -D -m 0644 "$here/antt-gate.sysusers.conf" /etc/sysusers.d/antt-gate.conf
    run systemd-sysusers /etc/sysusers.d/antt-gate.conf
    run install -D -m 0644 "$here/antt-gate.tmpfiles.conf" /etc/tmpfiles.d/antt-gate.conf
    run systemd-tmpfiles --create /etc/tmpfiles.d/antt-gate.conf
}

# The version of numpy that Debian's picamera2 was built against, as a pip requirement. A newer one in the venv would
# hide it and break Debian's compiled modules.
debian_numpy() {
    /usr/bin/python3 -c 'import numpy; print("numpy==" + numpy.__version__)' 2>/dev/null || say 'numpy'
}

install_program() {
    say "Program"
    local fresh options=() limits=()
    fresh="$home/venv-$(date +%Y%m%dT%H%M%S)"
    if is_pi; then
        options=(--system-site-packages)
        limits=("$(debian_numpy)")
    fi
    run /usr/bin/python3 -m venv "${options[@]}" "$fresh"
    # What an earlier build left there would be installed again, with modules that are gone by now.
    run rm -rf "$source_tree/build"
    run "$fresh/bin/pip" install --no-cache-dir --disable-pip-version-check "$source_tree" "${limits[@]}"
    run rm -rf "$source_tree/build"
    check_imports "$fresh"
    run ln -sfn "$fresh" "$home/venv.new"
    run mv -T "$home/venv.new" "$home/venv"
    run ln -sfn "$home/venv/bin/antt-gate" /usr/local/bin/antt-gate
    remove_old_versions
}

# Import together what must work together; say what to do where it does not.
check_imports() {
    local python=$1/bin/python modules="cv2, numpy"
    is_pi && modules="picamera2, cv2, numpy"
    say "Import check: $modules"
    if ! run "$python" -c "import $modules"; then
        run rm -rf "$1"
        fail "the program can't import $modules together, so the old version stays in place.
  'numpy.dtype size changed': a package brought a numpy that Debian's modules were not built for. Update the system
  (sudo apt full-upgrade) so that both are of one release, then run this again.
  'No module named libcamera' or 'picamera2': sudo apt install --reinstall python3-picamera2 python3-libcamera.
  'libGL.so.1' or the like: opencv-python is installed where opencv-python-headless belongs; uninstall it."
    fi
}

# Keep the version in use and the one before it.
remove_old_versions() {
    local versions=() version
    $dry_run && return
    mapfile -t versions < <(find "$home" -maxdepth 1 -type d -name 'venv-*' | sort -r)
    for version in "${versions[@]:2}"; do rm -rf "$version"; done
}

install_configuration() {
    say "Configuration"
    if [[ -e /etc/antt-gate/gate.toml ]]; then
        say "  /etc/antt-gate/gate.toml is kept as it is"
    else
        run install -m 0640 -g antt-gate "$source_tree/config/gate.example.toml" /etc/antt-gate/gate.toml
    fi
}

install_service() {
    say "Service"
    local unit
    for unit in antt-gate.service antt-gate-tls.service antt-gate-tls.timer; do
        run install -D -m 0644 "$here/$unit" "/etc/systemd/system/$unit"
    done
    run install -D -m 0644 -t /usr/share/doc/antt-gate "$source_tree/docs/operations.md" "$source_tree/docs/wiring.md" \
        "$source_tree/docs/configuration.md" "$source_tree/docs/tls.md"
    run systemctl daemon-reload
    # Once a day it renews the page's certificate, where the gate has an authority of its own; it never touches the gate.
    run systemctl enable --now antt-gate-tls.timer
}

# Without this the kernel leaves outputs driven when the process that held them dies (raspberrypi/linux 6117).
set_strict_gpiod() {
    local file=$1
    if grep -Eq '^[[:space:]]*dtparam=([^#]*,)?strict_gpiod' "$file"; then
        say "  $file has strict_gpiod already"
        return
    fi
    if $dry_run; then
        say "  would append dtparam=strict_gpiod to $file, after a copy to $file.before-antt-gate"
        return
    fi
    [[ -e $file.before-antt-gate ]] || cp -p "$file" "$file.before-antt-gate"
    printf '\n[all]\n# antt-gate: lines of a process that died become inputs again, so that relays fall off.\n%s\n' \
        'dtparam=strict_gpiod' >>"$file"
    say "  $file changed; the old one is $file.before-antt-gate. REBOOT before the gate is used."
}

prepare_board() {
    say "Raspberry Pi"
    local file=/boot/firmware/config.txt
    [[ -e $file ]] || file=/boot/config.txt
    if [[ -e $file ]]; then
        set_strict_gpiod "$file"
    elif $dry_run; then
        say "  would append dtparam=strict_gpiod to /boot/firmware/config.txt (not on this machine)"
    else
        fail "no config.txt in /boot/firmware or /boot; add dtparam=strict_gpiod to it by hand, then run this again"
    fi
    # The board's own watchdog reboots a machine whose systemd hangs. It reaches about 15 s.
    write /etc/systemd/system.conf.d/antt-gate.conf <<'EOF'
[Manager]
RuntimeWatchdogSec=14
EOF
    run systemctl daemon-reexec
}

say_what_is_next() {
    say ""
    say "Installed. Next:"
    say "  1. sudo nano /etc/antt-gate/gate.toml                         lines, limits, name (docs/wiring.md)"
    say "  2. sudo antt-gate check --config /etc/antt-gate/gate.toml     every error at once"
    say "  3. sudo systemctl enable antt-gate                            start at every boot"
    say "  4. sudo systemctl restart antt-gate                           while the gate stands still"
    say "  5. sudo antt-gate tls init                                    a certificate for the page (docs/tls.md)"
    say "  6. journalctl -u antt-gate | grep 'sign in as'                the one-time sign-in link"
}

main() {
    while (($#)); do
        case $1 in
            --dry-run) dry_run=true ;;
            --board)
                board=${2:-}
                shift
                ;;
            -h | --help)
                sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
                return
                ;;
            *) fail "unknown option $1; see --help" ;;
        esac
        shift
    done
    board=${board:-$(which_board)}
    [[ $board == pi || $board == other ]] || fail "--board takes pi or other, not '$board'"
    check_machine
    install_packages
    make_user
    install_program
    install_configuration
    install_service
    if is_pi; then prepare_board; fi
    say_what_is_next
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    main "$@"
fi
