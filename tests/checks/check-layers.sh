#!/bin/bash
# Each folder of src/ includes only headers of itself and of the folders that it may rest on, always by
# folder and name; and the library layers do not log. Proves first that it finds what is wrong.

set -eu

top=${top_srcdir:-$(dirname "$0")/../..}

declare -A MAY_INCLUDE=(
        [basic]="basic"
        [config]="basic config"
        [fs]="basic fs"
        [watch]="basic config fs watch"
        [state]="basic config fs state"
        [restore]="basic config fs state restore"
        [sync]="basic config fs watch state sync"
        [alert]="basic config alert"
        [daemon]="basic config fs watch state sync alert daemon"
        [ctl]="basic config fs state restore ctl"
        [generator]="basic config generator"
)
LIBRARIES=(config fs watch state restore)

# bad_includes ROOT: prints each include that is not allowed.
bad_includes() {
        local folder layer file text included
        for folder in "$1"/src/*/; do
                layer=$(basename "$folder")
                if [ -z "${MAY_INCLUDE[$layer]-}" ]; then
                        echo "src/$layer: a folder that is in no layer"
                        continue
                fi
                while IFS=: read -r file _ text; do
                        included=${text#*\"}
                        included=${included%%\"*}
                        case " ${MAY_INCLUDE[$layer]} " in
                        *" ${included%%/*} "*) [[ $included == */* ]] && continue ;;
                        esac
                        echo "${file#"$1"/}: $layer may not include \"$included\""
                done < <(grep -rHnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$folder")
        done
}

# bad_logging ROOT: prints each place where a library layer logs.
bad_logging() {
        local layer
        for layer in "${LIBRARIES[@]}"; do
                [ -d "$1/src/$layer" ] || continue
                grep -rnE --include='*.[ch]' \
                        '\b(log_(debug|info|notice|warning|error|event|full|internal)(_errno)?|sd_journal_[a-z_]+|v?syslog|perror|v?printf) *\(|\bstd(err|out)\b' \
                        "$1/src/$layer" || true
        done
}

fixture=$(mktemp -d)
trap 'rm -rf "$fixture"' EXIT
mkdir -p "$fixture"/src/{basic,config,fs,watch,daemon}
echo '#include "basic/macros.h"' >"$fixture/src/fs/good.c"
echo '#include "fs/confined.h"' >"$fixture/src/basic/bad.c"
echo '#include "config/config.h"' >"$fixture/src/fs/bad.c"
echo '# include "state/catalog.h"' >"$fixture/src/watch/bad.h"
echo '#include "manager.h"' >"$fixture/src/daemon/bad.c"
printf '%s\n' 'log_warning("x");' 'fputs("x", stderr);' >"$fixture/src/config/bad.c"
echo 'r = snprintf(text, 3, "x");' >"$fixture/src/config/good.c"
found=$(bad_includes "$fixture" | wc -l)
[ "$found" -eq 4 ] || { echo "found $found of 4 bad includes in the fixture" >&2; exit 1; }
found=$(bad_logging "$fixture" | wc -l)
[ "$found" -eq 2 ] || { echo "found $found of 2 logging calls in the fixture" >&2; exit 1; }

bad=$(bad_includes "$top"; bad_logging "$top")
if [ -n "$bad" ]; then
        printf '%s\n' "$bad" >&2
        exit 1
fi
