#!/bin/bash
# Measures rebackupd beside rsync, cp and lsyncd: the same tree, the same run, in turns, each on a freshly
# made journalled file system, and prints the medians as a table for the README.
#
# Usage: bench.sh [ROUNDS]     needs root, linux-source-6.1 (or KERNEL_SOURCE), rsync; lsyncd if it is there

# shellcheck source=lib.sh
. "${BASH_SOURCE[0]%/*}/lib.sh"

rounds=${1:-5}

# timed NAME COMMAND...: one sample of seconds in NAME.time and of KiB in NAME.memory
timed() {
        local name=$1 seconds memory status
        shift
        "$FSOPS" measure "$WORK/measured" "$@" </dev/null >"$WORK/$name.out" 2>&1
        read -r seconds memory status <"$WORK/measured"
        rm "$WORK/measured"
        if [ "$status" -ne 0 ]; then
                tail "$WORK/$name.out" >&2
                skip_all "$name failed with $status"
        fi
        sample "$name.time" "$seconds"
        sample "$name.memory" "$memory"
}

first_rebackup() {
        timed first.rebackup "$REBACKUPD" --set Alert.Sound=no --once "$SRC" "$DST"
        "$TREE_COMPARE" --quiet "$SRC" "$DST" || skip_all "the replica is not equal"
        local _
        for _ in 1 2; do
                timed rescan.rebackup "$REBACKUPD" --set Alert.Sound=no --once "$SRC" "$DST"
                timed rescan.rsync rsync -aHAX --delete "$SRC/" "$DST/"
        done
}

first_rsync() {
        timed first.rsync sh -c 'rsync -aHAX "$1/" "$2/" && sync -f "$2"' sh "$SRC" "$DST"
}

first_cp() {
        timed first.cp sh -c 'cp -a "$1" "$2" && sync -f "$2"' sh "$SRC" "$DST"
}

first_lsyncd() {
        local start=$EPOCHREALTIME
        start_lsyncd default.rsync 0
        sync -f "$DST"
        sample first.lsyncd.time "$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')"
        stop_lsyncd
}

work_live() {
        fresh_replica
        start_daemon
        wait_equal "$SRC" "$DST" 120 || skip_all "the daemon does not converge"
        sample live.memory "$(awk '/VmHWM/ { print $2 }' "/proc/$DAEMON_PID/status")"
        sample live.latency "$("$FSOPS" latency "$SRC" "$DST" 200)"
        mkdir "$SRC/burst"
        sample live.burst "$(seconds_until '[ "$(find "$DST/burst" -type f 2>/dev/null | wc -l)" = 20000 ]' \
                "$FSOPS" burst "$SRC/burst" 200 20000)"
        sample live.remove "$(seconds_until '[ ! -e "$DST/burst" ]' rm -r "$SRC/burst")"
        mkdir "$SRC/storm"
        sample live.storm "$(seconds_until '"$TREE_COMPARE" --quiet "$SRC/storm" "$DST/storm" 2>/dev/null' \
                "$CHURN" --root "$SRC/storm" --steady-links --seed 1 --operations 20000 | tail -n 1)"
        mkdir "$SRC/moved"
        wait_for '[ -d "$DST/moved" ]' 20
        sample live.rename "$(seconds_until '[ -e "$DST/moved/drivers/net" ]' mv "$SRC/drivers" "$SRC/moved/drivers")"
        mv "$SRC/moved/drivers" "$SRC/drivers"
        rm -r "$SRC/storm" "$SRC/moved" "$SRC"/latency-*
        wait_equal "$SRC" "$DST" 60
        kill_daemon
}

# work_removal NAME [OPTIONS...]: the whole tree is removed under a running daemon; one sample in NAME.after
# from the end of rm until the replica is empty, and one in NAME.rm of what rm itself took.
work_removal() {
        local name=$1 whole=$SRC start
        shift
        fresh_replica
        SRC=$WORK/source/doomed
        cp -a "$whole" "$SRC"
        start_daemon "$@"
        wait_equal "$SRC" "$DST" 120 || skip_all "the daemon does not converge"
        start=$EPOCHREALTIME
        sample "$name.after" "$(seconds_until 'is_empty "$DST"' find "$SRC" -mindepth 1 -maxdepth 1 -exec rm -rf {} +)"
        sample "$name.rm" "$(awk -v a="$start" -v b="$EPOCHREALTIME" -v after="$(tail -n 1 "$SAMPLES/$name.after")" \
                'BEGIN { print b - a - after }')"
        kill_daemon
        rmdir "$SRC"
        SRC=$whole
}

latency_lsyncd() {
        fresh_replica
        mv "$SRC" "$SRC.whole"
        mkdir "$SRC"
        start_lsyncd default.direct 0
        sample lsyncd.latency "$("$FSOPS" latency "$SRC" "$DST" 200)"
        stop_lsyncd
        rm -r "$SRC"
        mv "$SRC.whole" "$SRC"
}

print_report() {
        local entries bytes
        entries=$(find "$SRC" -mindepth 1 | wc -l)
        bytes=$(du -s --apparent-size --block-size=1M "$SRC" | cut -f 1)
        print_machine
        echo "linux-source-6.1: $entries entries, $bytes MiB. Medians of $rounds rounds in turns; rsync and cp include \`sync -f\`."
        echo
        row "" rebackupd rsync "cp -a" lsyncd "to rsync"
        row --- ---: ---: ---: ---: ---:
        row "first sync" "$(seconds first.rebackup.time)" "$(seconds first.rsync.time)" "$(seconds first.cp.time)" \
                "$(seconds first.lsyncd.time)" "× $(ratio first.rebackup.time first.rsync.time)"
        row "rescan, nothing changed" "$(seconds rescan.rebackup.time)" "$(seconds rescan.rsync.time)" - - \
                "× $(ratio rescan.rebackup.time rescan.rsync.time)"
        row "peak memory, first sync" "$(mebibytes first.rebackup.memory)" "$(mebibytes first.rsync.memory)" \
                "$(mebibytes first.cp.memory)" - "× $(ratio first.rebackup.memory first.rsync.memory)"
        row "peak memory, mirroring" "$(mebibytes live.memory)" - - - -
        row "new 4 KiB file, median / 99th" "$(latency live.latency)" - - "$(latency lsyncd.latency)" -
        row "20,000 new files, after the last" "$(milliseconds live.burst)" - - - -
        row "... removed, after the last" "$(milliseconds live.remove)" - - - -
        row "rm -rf of all, after its end; versions kept" "$(milliseconds removal-kept.after)" - - - -
        row "... no versions" "$(milliseconds removal-unkept.after)" - - - -
        row "20,000 random operations, after the last" "$(milliseconds live.storm)" - - - -
        row "rename of a directory of $(find "$SRC/drivers" | wc -l) entries" "$(milliseconds live.rename)" - - - -
}

make_fs source "$type" 4G
SRC=$WORK/source/tree
say "unpacking"
unpack_tree "$SRC"

tools=(rebackup rsync cp)
! command -v lsyncd >/dev/null || tools+=(lsyncd)
for ((round = 1; round <= rounds; round++)); do
        for tool in "${tools[@]}"; do
                say "round $round of $rounds: $tool"
                fresh_replica
                "first_$tool"
        done
        # The next round begins with another one.
        tools=("${tools[@]:1}" "${tools[0]}")
done
say "live"
work_live
for ((round = 1; round <= rounds; round++)); do
        say "removal, round $round of $rounds"
        work_removal removal-kept
        work_removal removal-unkept --set Versions.Keep=no
done
! command -v lsyncd >/dev/null || latency_lsyncd
say ""
print_report
