# shellcheck shell=bash
# Helpers of the tests about rot: content that changes on the medium, below the file system, which knows
# nothing of it.

command -v filefrag >/dev/null || skip_all "filefrag is not installed"

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

# Where byte OFFSET of FILE lies in its image. Units of filefrag(8) are bytes here.
place_of() { # FILE OFFSET
        sync "$1"
        filefrag -v -b1 "$1" | awk -v want="$2" '
                $1 ~ /^[0-9]+:$/ {
                        gsub(/[:.]+/, " ")
                        if (want >= $2 && want <= $3) { printf "%d", $4 + want - $2; exit }
                }'
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
