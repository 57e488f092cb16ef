# shellcheck shell=bash
# Helpers of the tests about rot: content that changes on the medium, below the file system, which knows
# nothing of it.

# Whatever of a file is in the page cache is dropped: the next reading shows the medium.
forget_cache() { # FILE...
        local file
        for file; do
                sync "$file"
                dd if="$file" iflag=nocache count=0 status=none
        done
}

image_of() { # FILE: the image of the file system that it lies on
        case $1 in
        "$WORK/a/"*) echo "$WORK/a.image" ;;
        *) echo "$WORK/b.image" ;;
        esac
}

# Where byte OFFSET of FILE lies in its image.
place_of() { # FILE OFFSET
        sync -f "$1"
        if [ "$(stat -f -c %T "$1")" = btrfs ]; then
                find_content "$1" "$2"
        else
                filefrag -v -b1 "$1" | awk -v want="$2" '
                        $1 ~ /^[0-9]+:$/ {
                                gsub(/[:.]+/, " ")
                                if (want >= $2 && want <= $3) { printf "%d", $4 + want - $2; exit }
                        }'
        fi
}

# The addresses of btrfs are not those of the disk: what is there is looked for. There must be no other copy.
find_content() { # FILE OFFSET
        perl -e '
                my ($file, $offset, $image) = @ARGV;
                my ($want, $part, $at, $before) = ("", "", 0, "");
                open(my $f, "<:raw", $file) or exit 1;
                sysseek($f, $offset, 0);
                sysread($f, $want, 64) or exit 1;
                open(my $i, "<:raw", $image) or exit 1;
                while (sysread($i, $part, 1 << 24)) {
                        my $k = index($before . $part, $want);
                        if ($k >= 0) { printf "%d", $at - length($before) + $k; exit 0 }
                        $at += length $part;
                        $before = substr($part, -63);
                }
                exit 1' "$1" "$2" "$(image_of "$1")"
}

# Flips a bit of each of COUNT bytes of FILE from OFFSET on, a block apart. Times and inode stay.
rot() { # FILE OFFSET [COUNT]
        local file=$1 i place byte image
        image=$(image_of "$file")
        for ((i = 0; i < ${3:-1}; i++)); do
                place=$(place_of "$file" $(($2 + i * 4096)))
                [ -n "$place" ] || return
                byte=$(dd if="$image" bs=1 skip="$place" count=1 status=none | od -An -tu1)
                printf '%b' "\\x$(printf %02x $((byte ^ 16)))" |
                        dd of="$image" bs=1 seek="$place" conv=notrunc,fsync status=none
        done
        forget_cache "$file"
}

verify_once() { # [OPTIONS...]
        run_once --verify "$@"
}

hash_of() { # FILE
        sha256sum <"$1"
}

# Everything that a change by its owner would show in.
traces_of() { # FILE
        stat -c '%i %s %.Y %.Z %a %U' "$1"
}

# The catalog of a running daemon is its own: a copy is asked, log included.
catalog() { # SQL
        rm -f "$WORK"/copy.db*
        cp "$STORE/catalog.db" "$WORK/copy.db" && cp "$STORE/catalog.db-wal" "$WORK/copy.db-wal" 2>/dev/null
        sqlite3 "$WORK/copy.db" "$1" 2>/dev/null || echo -1
}
