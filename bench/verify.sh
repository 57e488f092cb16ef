#!/bin/bash
# What reading everything back costs, beside reading alone, sha256sum, rsync -c and cmp over the same two trees: the real tree
# and some large files, with a cold page cache and with a warm one. And what mirroring loses while the patrol
# runs. ROUNDS of all (default 3); LARGE_FILES is the size of the large files (default 1G).
#
# BENCH_PARTS  which parts are run (default: tree large)
# SMALL=1 takes a part of the real tree and small files instead: to see that it works.

. "${BASH_SOURCE[0]%/*}/lib.sh"

rounds=${1:-3}
large=${LARGE_FILES:-1G}
[ -z "${SMALL:-}" ] || large=64M

fresh_fs source
fresh_fs replica
mkdir "$WORK/source/source"
SRC=$WORK/source/source DST=$WORK/replica/tree STORE=$WORK/replica/.tree.rebackup

cool() {
        sync -f "$SRC"
        sync -f "$DST"
        echo 3 >/proc/sys/vm/drop_caches
}

warm() {
        find "$SRC" "$DST" -type f -exec cat {} + >/dev/null
}

clock() { # SAMPLE COMMAND...
        local name=$1 start=$EPOCHREALTIME
        shift
        "$@" >"$WORK/output" 2>&1 || diag "$name failed: $(tail -n 1 "$WORK/output")"
        sample "$name" "$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }')"
}

verify_all() {
        "$REBACKUPD" --once --verify --log-level notice --set Log.Operations=no "$SRC" "$DST"
}
pass_alone() {
        "$REBACKUPD" --once --log-level notice "$SRC" "$DST"
}
hash_both() { # on as many processors as there are
        find "$SRC" "$DST" -type f -print0 | xargs -0 -r -n "$per_process" -P "$(nproc)" sha256sum
}
hash_both_fast() { # coreutils of some distributions do without the processor's instructions for it
        find "$SRC" "$DST" -type f -print0 | xargs -0 -r -n "$per_process" -P "$(nproc)" openssl dgst -sha256 -r
}
read_both() { # the medium alone: past the cache where files are large, as verifying does
        find "$SRC" "$DST" -type f -print0 | xargs -0 -r -n "$per_process" -P "$(nproc)" "${reader[@]}" >/dev/null
}
compare_by_rsync() {
        rsync -aHAXcn --delete "$SRC/" "$DST/"
}
compare_whole() { # as cmp does; a process for each file would cost more than the reading
        diff -r --no-dereference "$SRC" "$DST"
}

# The slower of the medium by itself and of the hash by itself, which verifying cannot beat.
slower() { # WHAT
        awk -v medium="$(median "$1-cold-read_both")" -v hash="$(median "$1-warm-hash_both_fast")" \
                -v what="$1" 'BEGIN { print what (medium > hash ? "-cold-read_both" : "-warm-hash_both_fast") }'
}

measure() { # WHAT
        local what=$1 how way
        for ((round = 1; round <= rounds; round++)); do
                for how in cold warm; do
                        for way in verify_all read_both hash_both hash_both_fast compare_by_rsync compare_whole pass_alone; do
                                say "$what, round $round of $rounds, $how: $way"
                                if [ "$how" = cold ]; then cool; else warm; fi
                                clock "$what-$how-$way" "$way"
                        done
                done
        done
        for how in cold warm; do
                row "$what, $how cache" "$(seconds "$what-$how-verify_all")" "$(seconds "$what-$how-read_both")" \
                        "$(seconds "$what-$how-hash_both")" "$(seconds "$what-$how-hash_both_fast")" \
                        "$(seconds "$what-$how-compare_by_rsync")" "$(seconds "$what-$how-compare_whole")" \
                        "$(seconds "$what-$how-pass_alone")" "$(ratio "$what-$how-verify_all" "$(slower "$what")")" \
                        >>"$WORK/table"
        done
}

make_large() {
        local i
        rm -rf "$SRC"
        mkdir "$SRC"
        for i in 1 2; do
                head -c "$(numfmt --from=iec "$large")" /dev/urandom >"$SRC/large-$i"
        done
        sync -f "$SRC"
}

# A burst of new files while the patrol reads without a limit, and without one.
burst() { # SAMPLE OPTIONS...
        local name=$1
        shift
        start_daemon --log-level info --set Log.Operations=no "$@"
        wait_log 'pass done' 300
        sleep 2
        mkdir "$SRC/burst"
        sample "$name" "$(seconds_until '[ "$(find "$DST/burst" -type f 2>/dev/null | wc -l)" -eq 5000 ]' \
                "$FSOPS" burst "$SRC/burst" 50 5000)"
        kill "$DAEMON_PID"
        wait "$DAEMON_PID"
        DAEMON_PID=
        rm -rf "$SRC/burst"
}

part_tree() {
        say "unpacking"
        rm -rf "$SRC"
        unpack_tree "$SRC"
        [ -z "${SMALL:-}" ] || find "$SRC" -mindepth 1 -maxdepth 1 ! -name kernel ! -name lib -exec rm -rf {} +
        "$REBACKUPD" --once --log-level notice "$SRC" "$DST"
        per_process=64 reader=(cat)
        measure "real tree"
        # The bursts are made beside that tree.
        if [ -z "${SMALL:-}" ] || [ -n "${BURST:-}" ]; then
                for ((round = 1; round <= rounds; round++)); do
                        burst burst-alone --set Integrity.VerifyInterval=0
                        burst burst-patrol --set Integrity.VerifyInterval=1s --set Integrity.VerifyBandwidthMax=0
                done
        fi
}

part_large() {
        make_large
        "$REBACKUPD" --once --log-level notice "$SRC" "$DST"
        per_process=1 reader=(sh -c 'exec dd status=none bs=1M iflag=direct if="$1"' sh)
        measure "two files of $large"
}

print_machine
echo
for part in ${BENCH_PARTS:-tree large}; do
        "part_$part"
done

say
row "" "rebackupd --once --verify" "reading both, in parallel" "sha256sum likewise" "openssl likewise" "rsync -c" \
        "diff -r" "a pass alone" "to the slower of cold reading and warm openssl"
row "---" "---:" "---:" "---:" "---:" "---:" "---:" "---:" "---:"
cat "$WORK/table"
[ -e "$SAMPLES/burst-alone" ] && {
        echo
        row "5,000 new files, after the last" "without the patrol" "while it reads"
        row "---" "---:" "---:"
        row "" "$(seconds burst-alone)" "$(seconds burst-patrol)"
}
exit 0
