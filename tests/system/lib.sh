# shellcheck shell=bash
# Helpers of the system tests: TAP output, file systems, the daemon as a background job, waiting for
# conditions, comparing trees.
#
# REBACKUPD       the daemon under test (default: the build's)
# REBACKUP_TOOLS  where tree-compare, churn and fsops are (default: the build's)
# REBACKUP_SCALE  factor for all deadlines, for slow machines and instrumented builds (default: 1)
#
# Everything a test makes lies in $WORK, which goes away with it, together with its mounts and loop devices.

export LC_ALL=C
umask 022

: "${REBACKUPD:=$PWD/src/daemon/rebackupd}"
: "${REBACKUP_TOOLS:=$PWD/tests/tools}"
: "${REBACKUP_SCALE:=1}"

for program in "$REBACKUPD" "$REBACKUP_TOOLS"/{tree-compare,churn,fsops}; do
        if [ ! -x "$program" ]; then
                echo "Bail out! $program is not there"
                exit 99
        fi
done

TREE_COMPARE=$REBACKUP_TOOLS/tree-compare
# shellcheck disable=SC2034 # for the tests
CHURN=$REBACKUP_TOOLS/churn
FSOPS=$REBACKUP_TOOLS/fsops

# --- TAP -----------------------------------------------------------------------------------------

N_TESTS=0
N_FAILED=0

ok() {
        N_TESTS=$((N_TESTS + 1))
        echo "ok $N_TESTS - $1"
}

not_ok() {
        N_TESTS=$((N_TESTS + 1))
        N_FAILED=$((N_FAILED + 1))
        echo "not ok $N_TESTS - $1"
        [ $# -lt 2 ] || diag "$2"
}

skip() {
        N_TESTS=$((N_TESTS + 1))
        echo "ok $N_TESTS - $1 # SKIP $2"
}

skip_all() {
        echo "1..0 # SKIP $1"
        exit 0
}

# Prints text, or what it is given on standard input, as comments.
diag() {
        if [ $# -gt 0 ]; then printf '%s\n' "$*"; else cat; fi | tr -c '\n -~' '?' | sed 's/^/# /'
}

# check DESCRIPTION COMMAND...
check() {
        local description=$1
        shift
        if "$@"; then
                ok "$description"
        else
                not_ok "$description" "failed: $*"
        fi
}

done_testing() {
        echo "1..$N_TESTS"
        exit $((N_FAILED > 0))
}

# --- what has to go away at the end --------------------------------------------------------------

CLEANUPS=()
on_exit() {
        CLEANUPS+=("$1")
}

run_cleanups() {
        local i
        trap '' INT TERM HUP
        [ "$N_FAILED" -eq 0 ] || show_log
        kill_daemon
        for ((i = ${#CLEANUPS[@]} - 1; i >= 0; i--)); do
                eval "${CLEANUPS[i]}"
        done
}
WORK=$(mktemp -d "${TMPDIR:-/tmp}/rebackup-test.XXXXXX") || exit 99
trap run_cleanups EXIT
trap 'exit 1' INT TERM HUP
WORK=$(realpath "$WORK")
chmod 755 "$WORK"
on_exit 'rm -rf --one-file-system "$WORK"'

# Nothing of the machine's own is used or reached: no state, no bus, no manager.
export STATE_DIRECTORY=$WORK/state RUNTIME_DIRECTORY=$WORK/run
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent DBUS_SESSION_BUS_ADDRESS=unix:path=/nonexistent
unset NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID JOURNAL_STREAM INVOCATION_ID
mkdir "$STATE_DIRECTORY" "$RUNTIME_DIRECTORY"

# --- rights and file systems ---------------------------------------------------------------------

is_root() {
        [ "$EUID" -eq 0 ]
}

require_root() {
        is_root || skip_all "needs root to $1"
}

# What to put before a command to run it as somebody without any privilege over files that he may not read.
# Root without capabilities is such a one, and can still reach the build wherever it lies.
UNPRIVILEGED=()
# shellcheck disable=SC2034 # for the tests
! is_root || UNPRIVILEGED=(setpriv --bounding-set=-all --inh-caps=-all --no-new-privs --)

make_image() { # FILE SIZE: prints the loop device
        truncate -s "$2" "$1" || return
        losetup --direct-io=on --find --show "$1" 2>/dev/null || losetup --find --show "$1"
}

unmount() { # DIRECTORY: waits for whoever is just looking at it
        wait_for 'umount "$1" 2>/dev/null' 10 "$1" || umount --lazy "$1"
}

declare -A DEVICES # by name
# make_fs NAME TYPE [SIZE]: mounts a new file system at $WORK/NAME
make_fs() {
        local dir=$WORK/$1 type=$2 size=${3:-320M} device options=()
        require_root "mount file systems"
        mkdir "$dir"
        on_exit "release_fs '$1'"
        if [ "$type" = tmpfs ]; then
                mount -t tmpfs -o "size=$size" tmpfs "$dir" || skip_all "cannot mount a tmpfs"
                return
        fi
        command -v "mkfs.$type" >/dev/null || skip_all "mkfs.$type is not installed"
        device=$(make_image "$dir.image" "$size") || skip_all "no loop devices here"
        # shellcheck disable=SC2034 # for tests that mount again
        DEVICES[$1]=$device
        [ "$type" != ext4 ] || options=(-b 4096 -I 256)
        "mkfs.$type" -q "${options[@]}" "$device" >"$WORK/mkfs.log" 2>&1 || skip_all "mkfs.$type failed"
        mount -t "$type" "$device" "$dir" || skip_all "cannot mount $type"
        [ ! -d "$dir/lost+found" ] || rmdir "$dir/lost+found"
}

release_fs() { # NAME: may be called again
        ! mountpoint -q "$WORK/$1" || unmount "$WORK/$1"
        [ -z "${DEVICES[$1]:-}" ] || losetup --detach "${DEVICES[$1]}"
        unset "DEVICES[$1]"
        rm -f "$WORK/$1.image"
}

# use_pair [TYPE [TYPE]]: SRC and DST in $WORK/a and $WORK/b, on file systems of these types. The same type
# twice means two file systems; "same TYPE" means one for both. Without root: plain directories.
use_pair() {
        if ! is_root; then
                mkdir "$WORK/a" "$WORK/b"
        elif [ "${1:-}" = same ]; then
                make_fs both "$2" "${3:-640M}"
                mkdir "$WORK/both/a" "$WORK/both/b"
                ln -s both/a "$WORK/a"
                ln -s both/b "$WORK/b"
        else
                make_fs a "${1:-ext4}" "${3:-}"
                make_fs b "${2:-${1:-ext4}}" "${3:-}"
        fi
        SRC=$(realpath "$WORK/a")/source
        DST=$(realpath "$WORK/b")/replica
        STORE=${DST%/*}/.replica.rebackup
        mkdir "$SRC"
}

# --- waiting -------------------------------------------------------------------------------------

# wait_for CONDITION SECONDS [ARGUMENT...]: polls; the condition sees the arguments as $1, $2, ...
wait_for() {
        local condition=$1 deadline=$((SECONDS + $2 * REBACKUP_SCALE))
        shift 2
        until eval "$condition"; do
                [ $SECONDS -le $deadline ] || return 1
                sleep 0.03
        done
}

wait_equal() { # SOURCE REPLICA [SECONDS [tree-compare options...]]
        local source=$1 replica=$2 seconds=${3:-20}
        [ $# -lt 4 ] && set -- "$1" "$2" "$seconds"
        shift 3
        wait_for '"$TREE_COMPARE" --quiet "$@" 2>/dev/null' "$seconds" "$@" "$source" "$replica"
}

# --- the daemon ----------------------------------------------------------------------------------

DAEMON_PID=
N_LOGS=0
LOG=/dev/null
LOG_MARK=0

new_log() {
        N_LOGS=$((N_LOGS + 1))
        LOG=$WORK/daemon-$N_LOGS.log
        LOG_MARK=0
        : >"$LOG"
}

show_log() {
        [ ! -s "$LOG" ] || tail -n 30 "$LOG" | diag
}

# What a version does not know yet it refuses; its tests are skipped then.
supports() { # SECTION.KEY=VALUE or --OPTION
        case $1 in
        --*) "$REBACKUPD" --help | grep -q -e "$1" ;;
        *)
                "$REBACKUPD" --once --set "$1" "$WORK/none" "$WORK/neither" >/dev/null 2>&1
                [ $? -ne 78 ]
                ;;
        esac
}

# unsupported WHAT DESCRIPTION: true, and noted as skipped, if this version does not know it
unsupported() {
        ! supports "$1" && skip "$2" "this version has no $1"
}

# For another pair in the same test: the state directory is one pair's own.
forget_state() {
        rm -rf "$STATE_DIRECTORY"
        mkdir "$STATE_DIRECTORY"
}

# Through which command the daemon is started: none, or "${UNPRIVILEGED[@]}", or the like.
VIA=()
# start_daemon [OPTIONS...]: mirrors $SRC to $DST in the background, logging to $LOG
start_daemon() {
        new_log
        "${VIA[@]}" "$REBACKUPD" --set Alert.Sound=no "$@" "$SRC" "$DST" </dev/null >"$LOG" 2>&1 &
        DAEMON_PID=$!
}

daemon_is_alive() {
        [ -n "$DAEMON_PID" ] && kill -0 "$DAEMON_PID" 2>/dev/null
}

kill_daemon() {
        [ -n "$DAEMON_PID" ] || return 0
        kill -KILL "$DAEMON_PID" 2>/dev/null
        wait "$DAEMON_PID" 2>/dev/null
        DAEMON_PID=
}

# Waits until the daemon has ended by itself; its exit status is in STATUS, 124 if it did not end.
await_daemon() { # [SECONDS]
        STATUS=124
        wait_for '! daemon_is_alive' "${1:-10}" || return
        wait "$DAEMON_PID"
        STATUS=$?
        DAEMON_PID=
}

stop_daemon() { # [DESCRIPTION]
        kill -TERM "$DAEMON_PID" 2>/dev/null
        await_daemon 10
        if [ "$STATUS" -eq 0 ]; then
                ok "${1:-SIGTERM ends the daemon with 0}"
        else
                not_ok "${1:-SIGTERM ends the daemon with 0}" "exit status $STATUS (124: still running)"
                kill_daemon
        fi
}

# run_once [OPTIONS...]: one pass over $SRC and $DST; exit status in STATUS, output in $LOG
run_once() {
        new_log
        "${VIA[@]}" timeout $((60 * REBACKUP_SCALE)) \
                "$REBACKUPD" --set Alert.Sound=no --once "$@" "$SRC" "$DST" </dev/null >"$LOG" 2>&1
        STATUS=$?
        return 0
}

status_is() { # STATUS... DESCRIPTION
        local description=${!#} wanted
        for wanted in "${@:1:$#-1}"; do
                if [ "$STATUS" -eq "$wanted" ]; then
                        ok "$description"
                        return
                fi
        done
        not_ok "$description" "exit status $STATUS, not ${*:1:$#-1}"
        show_log
}

# From here on log_has and wait_log look at new lines alone.
mark_log() {
        LOG_MARK=$(stat -c %s "$LOG")
}

log_has() { # EXTENDED-REGEX
        tail -c "+$((LOG_MARK + 1))" "$LOG" | grep -aqE -e "$1"
}

log_lacks() {
        ! log_has "$1"
}

wait_log() { # EXTENDED-REGEX [SECONDS]
        wait_for 'log_has "$1"' "${2:-20}" "$1"
}

# Whether the daemon has taken its signals over from the kernel, which would end it with them.
takes_signals() {
        local blocked
        blocked=$(sed -n 's/^SigBlk:[[:space:]]*//p' "/proc/$DAEMON_PID/status" 2>/dev/null)
        [ -n "$blocked" ] && (((16#$blocked & 16#200) != 0))
}

rescan() {
        wait_for takes_signals 20
        mark_log
        kill -USR1 "$DAEMON_PID"
}

# --- judging -------------------------------------------------------------------------------------

# diff says of two FIFOs that one is a FIFO while the other is a FIFO; that is no difference.
diff_trees() {
        diff -r --no-dereference -q "$@" 2>&1 |
                perl -0777 -pe 's/^File .*? is a ([a-z ]+) while file .*? is a \1\n//msg'
}

# XFS shows every ACL a second time, as an attribute that other file systems neither have nor want. A filter
# replaces what rsync leaves out by itself, so that is told as well.
rsync_differences() {
        local filters=(--filter='-x trusted.SGI_ACL_*' --filter='-x system.*')
        is_root || filters+=(--filter='-x trusted.*' --filter='-x security.*')
        rsync -naHAX --delete -i "${filters[@]}" "$1/" "$2/" 2>&1
}

# assert_equal SOURCE REPLICA DESCRIPTION: by three judges. TREE_COMPARE_OPTIONS may hold more options.
TREE_COMPARE_OPTIONS=()
assert_equal() {
        local out
        if ! out=$("$TREE_COMPARE" "${TREE_COMPARE_OPTIONS[@]}" "$1" "$2" 2>&1); then
                not_ok "$3" "$out"
        elif ! out=$(rsync_differences "$1" "$2") || [ -n "$out" ]; then
                not_ok "$3 (rsync)" "${out:0:2000}"
        elif out=$(diff_trees "$1" "$2") && [ -n "$out" ]; then
                not_ok "$3 (diff)" "${out:0:2000}"
        else
                ok "$3"
        fi
}

# converges DESCRIPTION [SECONDS]: the running daemon brings $DST to equality with $SRC
converges() {
        wait_equal "$SRC" "$DST" "${2:-20}"
        assert_equal "$SRC" "$DST" "$1"
}

# What a file system object is, times included; to see later that nothing touched it.
snapshot() { # PATH...
        find "$@" -printf '%p %y %i %m %U:%G %n %s %T@ %C@ %l\n' | sort
}

inode() {
        stat -c %i "$1"
}

staging_is_empty() {
        [ -z "$(find "$STORE/staging" -mindepth 1 -print -quit 2>/dev/null)" ]
}

# --- trees ---------------------------------------------------------------------------------------

# make_variety DIRECTORY: every kind of entry that this user and this file system can make
make_variety() (
        cd "$1" || exit
        mkdir -p plain deep/er/and/deeper empty.d
        : >plain/empty
        echo one >plain/one
        head -c 4096 /dev/urandom >plain/block
        head -c 4097 /dev/urandom >plain/block+1
        head -c 3145729 /dev/urandom >plain/3MiB+1
        echo deep >deep/er/and/deeper/file

        mkdir modes
        for mode in $(is_root && echo 0000) 0400 0644 0777 1644 2755 4755 7777; do
                echo "$mode" >"modes/file-$mode"
                chmod "$mode" "modes/file-$mode"
                mkdir "modes/directory-$mode"
                echo inside >"modes/directory-$mode/file"
                is_root && chmod "$mode" "modes/directory-$mode"
        done

        mkdir links
        ln -s ../plain/one links/relative
        ln -s /etc/hostname links/absolute
        ln -s nowhere links/dangling
        ln -s .. links/up
        ln -s "$(printf 'x%.0s' {1..1000})" links/long
        touch -h -d '2001-02-03 04:05:06.789012345' links/relative
        ln plain/one links/hard-1
        ln plain/one deep/hard-2
        ln links/dangling links/hard-dangling

        mkdir special
        mkfifo -m 640 special/fifo
        (cd special && "$FSOPS" socket socket)
        ln special/fifo special/hard-fifo

        mkdir names
        touch "names/new
line" names/$'escape\e[31mred' names/$'invalid\xff\xfe' names/'back\slash' "names/ blank " names/-dash \
                names/... names/'*' names/'"quoted"' names/$'tab\t' names/.rebackup "names/$(printf '%0255d' 0)"
        mkdir "names/directory
with newline"
        echo x >"names/directory
with newline/file"

        mkdir sparse
        truncate -s 64M sparse/hole
        truncate -s 64M sparse/middle
        echo data | dd of=sparse/middle bs=1M seek=20 conv=notrunc status=none
        head -c 10000 /dev/urandom | dd of=sparse/tail bs=1M seek=9 status=none

        mkdir attributes
        echo a >attributes/file
        setfattr -n user.colour -v blue attributes/file 2>/dev/null
        setfattr -n user.empty attributes/file 2>/dev/null
        setfattr -n user.of-directory -v yes attributes 2>/dev/null
        setfacl -m u:12345:rw,g:23456:r attributes/file 2>/dev/null
        mkdir attributes/with-default-acl
        setfacl -d -m u:12345:rwx attributes/with-default-acl 2>/dev/null
        echo inherited >attributes/with-default-acl/file

        if is_root; then
                mknod special/null c 1 3
                mknod special/loop b 7 200
                chown 1234:5678 plain/block special/socket
                chown -h 1234:5678 links/dangling
                chown 1234 deep
                setfattr -n trusted.secret -v 42 attributes/file 2>/dev/null
                cp plain/block attributes/capable
                setcap cap_net_raw+ep attributes/capable 2>/dev/null
        fi

        mkdir many
        for i in {1..300}; do echo "$i" >"many/$i"; done

        touch -d '1969-12-31 23:00:00.5' plain/empty
        touch -d '2037-01-01 00:00:00.000000001' plain/block
        touch -d '2010-10-10 10:10:10.101010101' empty.d deep/er names many .
)
