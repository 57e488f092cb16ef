#!/bin/bash
# Measures how fast changes are followed, by each way of watching and beside lsyncd: the same work in the same
# run, in turns, each on freshly made journalled file systems that hold the real tree; then what watching
# itself costs: the time until everything is watched, memory, and what others who write to the source's file
# system pay. Prints medians as tables for the README.
#
# Usage: watch.sh [ROUNDS]     needs root, linux-source-6.1 (or KERNEL_SOURCE), rsync; lsyncd if it is there
#
# BENCH_CUT      seconds after which whoever has not converged is cut off (default 120)
# BENCH_FILES    how many files the latency is taken of (default 300)
# BENCH_PARTS    which parts are run (default: follow size foreign idle)
# BENCH_COLUMNS  what is compared in the first (default: all)

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

rounds=${1:-3}
cut=${BENCH_CUT:-120}
n_files=${BENCH_FILES:-300}
parts=${BENCH_PARTS:-follow size foreign idle}
MARK_COST=${MARK_COST:-$PWD/bench/mark-cost}
WATCHES=(inotify directories filesystem)
columns=(inotify directories filesystem)
! command -v lsyncd >/dev/null || columns+=(lsyncd-at-once lsyncd-default)
[ -z "${BENCH_COLUMNS:-}" ] || read -ra columns <<<"$BENCH_COLUMNS"

declare -A TITLES=(
        [inotify]="inotify" [directories]="marks on directories" [filesystem]="mark on the file system"
        [lsyncd-at-once]="lsyncd, delay=0" [lsyncd-default]="lsyncd" [nobody]="nobody watches")
declare -A SAID=(
        [inotify]="watching with inotify" [directories]="watching with fanotify on each directory"
        [filesystem]="watching with fanotify on the whole file system")

# --- who follows ---------------------------------------------------------------------------------

# A mark on the file system is for a source that fills it; the other two are for a directory.
use_source() { # COLUMN
        SRC=$WORK/source/tree
        [ "$1" != filesystem ] || SRC=$WORK/source
        [ -d "$SRC" ] || mkdir "$SRC"
}

# auto takes marks on directories for a source that neither is a file system nor fills it.
AROUND=()
start_watching() { # COLUMN
        local mode=$1 READY=$WORK/ready
        case $1 in
        directories) mode=auto ;;
        filesystem) mode=fanotify ;;
        esac
        rm -f "$READY"
        VIA=("${AROUND[@]}" "$FSOPS" ready "$READY")
        start_daemon --set "Sync.Watch=$mode"
        # shellcheck disable=SC2034 # lib.sh's
        VIA=()
        wait_log "${SAID[$1]}" 60 || skip_all "$1: $(head -n 1 "$LOG")"
        wait_for '[ -s "$1" ]' 600 "$READY" || skip_all "$1: it does not get ready"
        READY_AFTER=$(cat "$READY")
}

start_follower() { # COLUMN
        case $1 in
        lsyncd-at-once) start_lsyncd default.direct 0 ;;
        lsyncd-default) start_lsyncd default.rsync ;;
        *)
                start_watching "$1"
                wait_log "pass done" 300
                ;;
        esac || skip_all "$1 does not converge"
}

stop_follower() { # COLUMN
        case $1 in
        lsyncd-*) stop_lsyncd ;;
        *) kill_daemon ;;
        esac
}

# One that was cut off begins the next row in step.
restart_follower() { # COLUMN
        stop_follower "$1"
        [[ $1 != lsyncd-* ]] || rsync -aHAX --delete --exclude=/.tree.rebackup "$SRC/" "$DST/"
        start_follower "$1"
}

# --- following -----------------------------------------------------------------------------------

# follow COLUMN ROW SIGN CONDITION COMMAND...: a sample of the seconds from the end of the command until the
# condition held, or a note that it did not in time. Where to see whether it holds takes long, it is looked
# at only when there is a sign of it, and what it takes does not count.
follow() {
        local column=$1 row=$2 sign=$3 condition=$4 start end
        shift 4
        say "round $round of $rounds: ${TITLES[$column]}: $row"
        "$@" >/dev/null
        start=$EPOCHREALTIME
        until eval "$sign" && end=$EPOCHREALTIME && eval "$condition"; do
                if ((${EPOCHREALTIME%.*} - ${start%.*} >= cut)); then
                        echo "> $cut s" >"$SAMPLES/$column.$row.cut"
                        restart_follower "$column"
                        return
                fi
                sleep 0.002
        done
        sample "$column.$row" "$(awk -v a="$start" -v b="$end" 'BEGIN { print b - a }')"
}

n_entries() { # DIRECTORY
        find "$1" 2>/dev/null | wc -l
}

follow_latency() { # COLUMN
        local n=$n_files journal=()
        say "round $round of $rounds: ${TITLES[$1]}: latency"
        case $1 in
        lsyncd-default) n=4 ;; # it gathers for 15 s
        lsyncd-*) ;;
        *) journal=("${DST%/*}/.${DST##*/}.rebackup/catalog.db-wal") ;;
        esac
        "$FSOPS" latency "$SRC/small" "$DST/small" "$n" "${journal[@]}" >"$WORK/latency"
        sample "$1.whole" "$(sed -n 1p "$WORK/latency")"
        [ ${#journal[@]} -eq 0 ] || sample "$1.committed" "$(sed -n 2p "$WORK/latency")"
}

follow_all() { # COLUMN
        local column=$1 n
        fresh_fs source
        fresh_replica
        use_source "$column"
        cp -a "$WORK/pristine/tree" "$SRC/linux"
        mkdir "$SRC"/{small,burst,storm}
        start_follower "$column"
        follow_latency "$column"
        follow "$column" burst '[ -e "$DST/burst/d199/f19999" ]' '[ "$(find "$DST/burst" -type f 2>/dev/null | wc -l)" = 20000 ]' \
                "$FSOPS" burst "$SRC/burst" 200 20000
        follow "$column" storm : '"$TREE_COMPARE" --quiet "$SRC/storm" "$DST/storm" 2>/dev/null' \
                "$CHURN" --root "$SRC/storm" --steady-links --seed 1 --operations 20000
        n=$(n_entries "$SRC/linux")
        follow "$column" rename '[ -e "$DST/moved/drivers/net" ] && [ ! -e "$DST/linux" ]' \
                '[ "$(n_entries "$DST/moved")" = '"$n"' ]' mv "$SRC/linux" "$SRC/moved"
        follow "$column" remove '[ ! -e "$DST/moved" ]' : rm -rf "$SRC/moved"
        stop_follower "$column"
}

part_follow() {
        local round order=("${columns[@]}") column
        for ((round = 1; round <= rounds; round++)); do
                for column in "${order[@]}"; do
                        follow_all "$column"
                done
                order=("${order[@]:1}" "${order[0]}") # the next round begins with another one
        done
}

# --- how much it takes ---------------------------------------------------------------------------

slab() { # KiB
        awk '/^Slab:/ { print $2 }' /proc/meminfo
}

resident() { # FIELD
        awk -v f="$1:" '$1 == f { print $2 }' "/proc/$DAEMON_PID/status"
}

# The kernel's own memory is measured over a second start, when all inodes are in its caches already.
size_of() { # WATCH TREE
        local before
        say "round $round of $rounds: $2, ${TITLES[$1]}"
        fresh_replica
        start_watching "$1"
        sample "$1.$2.ready" "$READY_AFTER"
        wait_log "pass done" 300 || skip_all "the daemon does not converge"
        kill_daemon
        n_entries "$SRC" >/dev/null
        n_entries "$DST" >/dev/null
        before=$(slab)
        start_watching "$1"
        sample "$1.$2.again" "$READY_AFTER"
        wait_log "pass done" 300
        sample "$1.$2.resident" "$(resident VmRSS)"
        sample "$1.$2.peak" "$(resident VmHWM)"
        sample "$1.$2.slab" "$(($(slab) - before))"
        log_lacks "left to rescans" || sample "$1.$2.unwatched" 1
        kill_daemon
}

make_directories() { # DIRECTORY: 100,000 of them, and a few above
        local i
        mkdir "$1"
        for ((i = 0; i < 100; i++)); do
                mkdir "$1/$i"
                "$FSOPS" burst "$1/$i" 1000 0
        done
}

# Beside the source lies as much again, or it would get a mark on the file system unasked.
part_size() {
        local round watch tree
        for tree in real wide; do
                fresh_fs source
                if [ $tree = real ]; then
                        cp -a "$WORK/pristine/tree" "$WORK/source/tree"
                else
                        make_directories "$WORK/source/tree"
                fi
                mkdir "$WORK/source/others"
                "$FSOPS" burst "$WORK/source/others" 100 120000
                SRC=$WORK/source/tree
                for ((round = 1; round <= rounds; round++)); do
                        for watch in "${WATCHES[@]}"; do
                                size_of "$watch" $tree
                        done
                done
        done
}

# --- what others pay -----------------------------------------------------------------------------

others() { # SAMPLE: somebody makes and unlinks files outside of the source
        sample "$1" "$("$FSOPS" fleeting "$WORK/source/others" 20000 0)"
}

cpu() { # milliseconds
        awk -v hz="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000 / hz }' "/proc/$DAEMON_PID/stat"
}

# Busy: in the source, too, files come and go, a thousand a second. A mark on the file system can be had of a
# source that is only a part of it, and it is then that others pay.
others_beside() { # WATCH
        local writer before
        SRC=$WORK/source/tree
        say "round $round of $rounds: others, ${TITLES[$1]}"
        if [ "$1" != nobody ]; then
                fresh_replica
                start_watching "$1"
                wait_log "pass done" 60
                before=$(cpu)
        fi
        others "$1.idle"
        [ "$1" = nobody ] || sample "$1.cpu" "$(awk -v a="$before" -v b="$(cpu)" 'BEGIN { print (b - a) / 20 }')"
        "$FSOPS" fleeting "$SRC" 0 1000 >/dev/null &
        writer=$!
        others "$1.busy"
        kill $writer
        wait $writer
        kill_daemon
}

others_beside_probe() { # NAME ARGUMENTS...
        local name=$1 probe
        shift
        "$MARK_COST" "$WORK/source" "$@" >"$WORK/probe" &
        probe=$!
        others "$name.idle"
        kill $probe
        wait $probe
        sample "$name.cpu" "$(awk '{ print $5 * 1e6 / 20000 }' "$WORK/probe")"
}

part_foreign() {
        local round watch
        fresh_fs source
        mkdir "$WORK/source"/{tree,others}
        for ((round = 1; round <= rounds; round++)); do
                for watch in nobody "${WATCHES[@]}"; do
                        others_beside "$watch"
                done
                others_beside_probe at-once 0
                others_beside_probe steps 3000
                others_beside_probe ignored 3000 "$WORK/source/others"
        done
}

# --- idleness ------------------------------------------------------------------------------------

# It sleeps as often as it was woken; that others took the processor away meanwhile is not counted.
n_wakes() {
        cat "/proc/$DAEMON_PID"/task/*/status | awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n }'
}

# What others mount would be news to it; that a directory under one of their mounts is removed still is.
part_idle() {
        local watch before AROUND=(unshare --mount --propagation private --)
        fresh_fs source
        for watch in "${WATCHES[@]}"; do
                use_source "$watch"
                "$FSOPS" burst "$SRC" 100 1000
                fresh_replica
                start_watching "$watch"
                wait_equal "$SRC" "$DST" 60
                say "a minute of idleness, ${TITLES[$watch]}"
                sleep 5 # what the last change still has to follow
                before=$(n_wakes)
                sleep 60
                sample "$watch.wakes" $(($(n_wakes) - before))
                kill_daemon
                rm -rf "${SRC:?}"/d*
        done
}

# --- the report ----------------------------------------------------------------------------------

# cells FORMAT ROW NAME...: the row of each, formatted by the function
cells() {
        local format=$1 row=$2 name
        shift 2
        for name in "$@"; do
                if [ -e "$SAMPLES/$name.$row.cut" ]; then
                        CELLS+=("$(cat "$SAMPLES/$name.$row.cut")")
                else
                        CELLS+=("$($format "$name.$row")")
                fi
        done
}

print_row() { # LABEL FORMAT ROW NAME...
        local label=$1 CELLS=()
        shift
        cells "$@"
        row "$label" "${CELLS[@]}"
}

print_head() { # NAME...
        local name CELLS=() LINES=()
        for name in "$@"; do
                CELLS+=("${TITLES[$name]}")
                LINES+=("---:")
        done
        echo
        row "" "${CELLS[@]}"
        row --- "${LINES[@]}"
}

spread() { # NAME: of the rounds' medians and 99ths the medians
        [ -e "$SAMPLES/$1" ] || { printf -- '-'; return; }
        cut -d ' ' -f 1 "$SAMPLES/$1" >"$SAMPLES/$1.median"
        cut -d ' ' -f 2 "$SAMPLES/$1" >"$SAMPLES/$1.99th"
        printf '%.1f / %.1f ms' "$(median "$1.median")" "$(median "$1.99th")"
}

span() { # NAME
        local value
        value=$(median "$1")
        if [ -z "$value" ]; then
                printf -- '-'
        else
                awk -v s="$value" 'BEGIN { if (s < 0.1) printf "%.0f ms", s * 1000; else printf "%.1f s", s }'
        fi
}

microseconds() { # NAME
        local value
        value=$(median "$1")
        [ -n "$value" ] && printf '%.1f µs' "$value" || printf -- '-'
}

number() { # NAME
        local value
        value=$(median "$1")
        printf '%s' "${value:--}"
}

report_follow() {
        print_head "${columns[@]}"
        print_row "a new 4 KiB file, until the replica has it: median / 99th" spread whole "${columns[@]}"
        print_row "... and its row is committed" spread committed "${columns[@]}"
        print_row "20,000 new files in 200 directories, after the last" span burst "${columns[@]}"
        print_row "20,000 random operations, after the last" span storm "${columns[@]}"
        print_row "rename of the tree" span rename "${columns[@]}"
        print_row "\`rm -rf\` of the tree, after its end" span remove "${columns[@]}"
}

report_size() {
        local tree label
        print_head "${WATCHES[@]}"
        for tree in real wide; do
                label="the tree"
                [ $tree = real ] || label="100,000 directories"
                print_row "$label: ready after the first start" span $tree.ready "${WATCHES[@]}"
                print_row "... after another" span $tree.again "${WATCHES[@]}"
                print_row "... resident" mebibytes $tree.resident "${WATCHES[@]}"
                print_row "... at most" mebibytes $tree.peak "${WATCHES[@]}"
                print_row "... growth of the kernel's slabs" mebibytes $tree.slab "${WATCHES[@]}"
                print_row "... 1: the limit left directories unwatched" number $tree.unwatched "${WATCHES[@]}"
        done
}

report_foreign() {
        print_head nobody "${WATCHES[@]}"
        print_row "a file of another directory made, written, unlinked: processor time" microseconds idle nobody "${WATCHES[@]}"
        print_row "... while the source changes" microseconds busy nobody "${WATCHES[@]}"
        print_row "... the daemon's own time for each" microseconds cpu nobody "${WATCHES[@]}"
        TITLES+=([at-once]="read at once" [steps]="in steps of 3 ms" [ignored]="and the directory ignored")
        print_head at-once steps ignored
        print_row "the same beside a bare reader of a mark" microseconds idle at-once steps ignored
        print_row "... the reader's own time" microseconds cpu at-once steps ignored
}

report_idle() {
        print_head "${WATCHES[@]}"
        print_row "times it woke up in a minute of idleness" number wakes "${WATCHES[@]}"
}

make_fs pristine "$type" 4G
say "unpacking"
unpack_tree "$WORK/pristine/tree"
for part in $parts; do
        "part_$part"
done
say ""
print_machine
for part in $parts; do
        "report_$part"
done
