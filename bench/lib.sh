# shellcheck shell=bash
# Helpers of the benchmarks: the real tree, samples and their medians, lsyncd, rows of a table.
#
# BENCH_FS  file system of both sides (default ext4)
# TMPDIR    where the images of the file systems lie: a disk that is quiet, or a tmpfs

# shellcheck source=../tests/system/lib.sh
. "${BASH_SOURCE[0]%/*}/../tests/system/lib.sh"

skip_all() {
        echo "bench: $1" >&2
        exit 77
}

type=${BENCH_FS:-ext4}
archive=${KERNEL_SOURCE:-/usr/src/linux-source-6.1.tar.xz}
require_root "mount file systems"
[ -e "$archive" ] || skip_all "$archive is not there: install linux-source-6.1 or set KERNEL_SOURCE"
SAMPLES=$WORK/samples
mkdir "$SAMPLES"

unpack_tree() { # DIRECTORY
        mkdir "$1"
        tar -xf "$archive" -C "$1" --strip-components=1
        sync -f "$1"
}

say() {
        [ ! -t 2 ] || printf '\r\033[K%s' "$*" >&2
}

sample() { # NAME VALUE
        echo "$2" >>"$SAMPLES/$1"
}

median() { # NAME
        sort -g "$SAMPLES/$1" 2>/dev/null | awk '{ v[NR] = $1 } END { if (NR) printf "%s", v[int((NR + 1) / 2)] }'
}

ratio() { # NAME NAME
        awk -v a="$(median "$1")" -v b="$(median "$2")" 'BEGIN { if (a != "" && b > 0) printf "%.2f", a / b; else printf "-" }'
}

# A new file system takes the place of the one before.
fresh_fs() { # NAME
        [ -z "${DEVICES[$1]:-}" ] || release_fs "$1"
        [ ! -d "$WORK/$1" ] || rmdir "$WORK/$1"
        make_fs "$1" "$type" 4G
}

fresh_replica() {
        fresh_fs replica
        forget_state
        DST=$WORK/replica/tree
}

# seconds_until CONDITION COMMAND...: from the end of the command until the condition holds
seconds_until() {
        local condition=$1 start
        shift
        "$@"
        start=$EPOCHREALTIME
        until eval "$condition"; do sleep 0.002; done
        awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { print b - a }'
}

is_empty() { # DIRECTORY
        [ -z "$(find "$1" -mindepth 1 -print -quit)" ]
}

write_lsyncd_configuration() { # KIND DELAY
        local copying='rsync = { archive = true, hard_links = true, acls = true, xattrs = true }'
        [ "$1" = default.rsync ] || copying=
        cat >"$WORK/lsyncd.lua" <<END
settings { nodaemon = true }
sync { $1, source = "$SRC", target = "$DST", ${2:+delay = $2,} $copying }
END
}

start_lsyncd() { # KIND [DELAY]: returns when its first sync has ended
        write_lsyncd_configuration "$1" "${2:-}"
        mkdir -p "$DST"
        : >"$WORK/lsyncd.log"
        setsid lsyncd "$WORK/lsyncd.lua" >>"$WORK/lsyncd.log" 2>&1 &
        lsyncd=$!
        wait_for 'grep -q "Startup of .* finished" "$WORK/lsyncd.log"' 300
}

# A copy of its that waits for a FIFO's writer would keep it, and the file systems, for ever.
stop_lsyncd() {
        kill -KILL -- -"$lsyncd"
        wait "$lsyncd" 2>/dev/null
}

row() { # LABEL VALUE...
        printf '| %s' "$1"
        shift
        printf ' | %s' "$@"
        printf ' |\n'
}

seconds() { # NAME
        local value
        value=$(median "$1")
        [ -n "$value" ] && printf '%.2f s' "$value" || printf -- '-'
}

mebibytes() { # NAME
        local value
        value=$(median "$1")
        [ -n "$value" ] && printf '%d MiB' $((value / 1024)) || printf -- '-'
}

latency() { # NAME
        awk '{ v = $1 " ms / " $2 " ms" } END { print v ? v : "-" }' "$SAMPLES/$1" 2>/dev/null || printf -- '-'
}

milliseconds() { # NAME
        median "$1" | awk '{ printf "%.0f ms", $1 * 1000 }'
}

print_machine() {
        echo "$(nproc) CPUs ($(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)), Linux $(uname -r), $type on" \
                "loop devices with direct I/O, $(awk '/MemTotal/ { printf "%d", $2 / 1048576 }' /proc/meminfo) GiB of memory;" \
                "$(rsync --version | awk 'NR == 1 { print $1, $3 }')," \
                "$(lsyncd -version 2>/dev/null | awk '{ print "lsyncd", $2 }')."
}
