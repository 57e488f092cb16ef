# shellcheck shell=bash
# A small Debian, booted with systemd as its first process, in which the package is installed and used as on a
# machine. After lib.sh.
#
# REBACKUP_TREES   where trees are kept, since making one takes half a minute (default: /var/cache/rebackup-tests)
# REBACKUP_MIRROR  where Debian's packages come from (default: deb.debian.org)
#
# The tree itself is only read: what the machine writes lies above it, in memory, and goes with the test.

: "${REBACKUP_TREES:=/var/cache/rebackup-tests}"
: "${REBACKUP_MIRROR:=http://deb.debian.org/debian}"

# What a machine has, and the tests use on it, beside what the package depends on.
TREE_PACKAGES=(acl apt attr dbus dbus-user-session diffutils e2fsprogs libpam-systemd mount procps rsync systemd
        systemd-sysv)
MACHINE_NAME=rebackup-test-$$
MACHINE=$WORK/machine
LEADER=

# --- the tree ------------------------------------------------------------------------------------

suite() {
        local ID='' VERSION_CODENAME=''
        # shellcheck source=/dev/null
        [ ! -r /etc/os-release ] || . /etc/os-release
        [ "$ID" = debian ] || return 1
        echo "${VERSION_CODENAME:-sid}"
}

make_tree() { # DIRECTORY SUITE PACKAGE...
        local packages
        packages=$(IFS=,; echo "${*:3}")
        rm -rf --one-file-system "$1.new"
        mmdebstrap --quiet --mode=root --variant=essential --include="$packages" "$2" "$1.new" \
                "deb $REBACKUP_MIRROR $2 main" || return
        mkdir -p "$1.new/var/log/journal"
        : >"$1.new/etc/machine-id"
        mv "$1.new" "$1"
}

# have_tree PACKAGE...: the tree with these and TREE_PACKAGES is in TREE
have_tree() {
        local name packages hash
        name=$(suite) || skip_all "the tree is made of the packages of this machine's Debian, and it has none"
        mapfile -t packages < <(printf '%s\n' "${TREE_PACKAGES[@]}" "$@" | sort -u)
        hash=$(printf '%s\n' "${packages[@]}" | sha256sum)
        TREE=$REBACKUP_TREES/$name-${hash:0:12}
        mkdir -p "$REBACKUP_TREES" || exit 99
        exec {tree_lock}>"$REBACKUP_TREES/lock"
        flock "$tree_lock"
        if [ ! -d "$TREE" ] && ! make_tree "$TREE" "$name" "${packages[@]}" >"$WORK/tree.log" 2>&1; then
                tail -n 20 "$WORK/tree.log" | diag
                rm -rf --one-file-system "$TREE.new"
                echo "Bail out! mmdebstrap made no tree of $REBACKUP_MIRROR"
                exit 99
        fi
        exec {tree_lock}>&-
}

# --- the machine ---------------------------------------------------------------------------------

# The machine's control groups are below one of its own, in every hierarchy that systemd uses.
control_groups() {
        local directory
        for directory in /sys/fs/cgroup /sys/fs/cgroup/unified /sys/fs/cgroup/systemd; do
                [ ! -e "$directory/cgroup.procs" ] || echo "$directory/$MACHINE_NAME"
        done
}

remove_control_groups() {
        local directory
        for directory in $(control_groups); do
                [ ! -d "$directory" ] || find "$directory" -depth -type d -exec rmdir {} + 2>/dev/null
                [ ! -d "$directory" ]
        done
}

# make_machine: its root directory is in $MACHINE/root; may be written to before it is booted
make_machine() {
        make_fs machine tmpfs 1G
        mkdir "$MACHINE"/{upper,work,root}
        mount -t overlay overlay -o "lowerdir=$TREE,upperdir=$MACHINE/upper,workdir=$MACHINE/work" "$MACHINE/root" ||
                skip_all "cannot mount an overlay"
        on_exit 'unmount "$MACHINE/root"'
        echo rebackup-test >"$MACHINE/root/etc/hostname"
        rm -f "$MACHINE/root/etc/systemd/system/timers.target.wants"/* # nothing that comes and goes by itself
}

is_gone() { # PID
        ! kill -0 "$1" 2>/dev/null
}

# boot_machine OPTION...: of systemd-nspawn
boot_machine() {
        NSPAWN_OPTIONS=("$@")
        on_exit end_machine
        start_machine
}

start_machine() {
        local directory
        wait_for remove_control_groups 10
        for directory in $(control_groups); do
                mkdir "$directory"
        done
        # shellcheck disable=SC2016 # for the shell that becomes it
        setsid sh -c 'for group in $0; do echo $$ >"$group/cgroup.procs"; done; exec systemd-nspawn "$@"' \
                "$(control_groups | paste -sd ' ')" --quiet --boot --register=no --keep-unit --console=pipe \
                --directory="$MACHINE/root" --machine="$MACHINE_NAME" --link-journal=no --timezone=off \
                --system-call-filter="fanotify_init fanotify_mark open_by_handle_at" \
                "${NSPAWN_OPTIONS[@]}" \
                </dev/null >"$WORK/nspawn.log" 2>&1 &
        NSPAWN=$!
        await_boot
}

await_boot() {
        if ! wait_for 'is_booted' 60; then
                tail -n 20 "$WORK/nspawn.log" | diag
                not_ok "the machine boots"
                done_testing
        fi
}

is_booted() {
        LEADER=$(pgrep -P "$NSPAWN" 2>/dev/null | head -n 1)
        [ -n "$LEADER" ] || return
        case $(inside systemctl is-system-running 2>/dev/null) in
        running | degraded) ;;
        *) return 1 ;;
        esac
}

# inside COMMAND...: as root, in the booted machine
inside() {
        timeout --kill-after=5 $((120 * REBACKUP_SCALE)) nsenter --target "$LEADER" --all \
                env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
                DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}

# systemd-nspawn that keeps its unit leaves it to that to begin again.
reboot_machine() {
        inside systemctl reboot >/dev/null 2>&1
        wait_for 'is_gone "$NSPAWN"' 60 || not_ok "the machine goes down to reboot"
        wait "$NSPAWN"
        status=$?
        [ $status -eq 133 ] || not_ok "the machine reboots" "systemd-nspawn ended with $status"
        start_machine
}

show_journal() {
        inside journalctl --quiet --no-pager --priority=notice --lines=40 --output=short 2>&1 | diag
}

# May be called again.
end_machine() {
        if [ -n "$LEADER" ] && ! is_gone "$LEADER"; then
                [ "$N_FAILED" -eq 0 ] || show_journal
                inside systemctl poweroff --no-block >/dev/null 2>&1
        fi
        if ! wait_for 'is_gone "$NSPAWN"' 20; then
                kill -KILL "$NSPAWN" ${LEADER:+"$LEADER"} 2>/dev/null
        fi
        wait "$NSPAWN" 2>/dev/null
        wait_for remove_control_groups 10
        rmdir /run/systemd/nspawn/{propagate,unix-export,fsmount}/"$MACHINE_NAME" 2>/dev/null
        LEADER=
}
