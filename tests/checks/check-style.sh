#!/bin/bash
# The C files are formatted as .clang-format says, files have at most 600 and functions at most 80 lines,
# and nothing is marked as unfinished. Proves first that it finds what is wrong.

set -eu

top=$(realpath "${top_srcdir:-$(dirname "$0")/../..}")
FILE_LINES_MAX=600
FUNCTION_LINES_MAX=80
# The style is that of one version: others lay the same out differently.
CLANG_FORMAT_VERSION=14

for tool in clang-format ctags; do
        command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
ctags --version | grep -q 'Universal Ctags' || { echo "ctags is not Universal Ctags"; exit 77; }
clang_format=clang-format
command -v clang-format-$CLANG_FORMAT_VERSION >/dev/null && clang_format=clang-format-$CLANG_FORMAT_VERSION

c_files() { # ROOT
        find "$1/src" "$1/tests" -name '*.[ch]' | sort
}

bad_format() {
        if ! $clang_format --version | grep -q "version $CLANG_FORMAT_VERSION\."; then
                echo "not the version of clang-format that sets the style: formatting is not checked" >&2
                return
        fi
        c_files "$1" | xargs -r $clang_format --style="file:$top/.clang-format" --dry-run -Werror 2>&1 |
                sed -n 's/^\([^:]*\):.* error: .*/\1: not formatted/p'
}

bad_file_length() {
        c_files "$1" | while read -r file; do
                n=$(wc -l <"$file")
                [ "$n" -le $FILE_LINES_MAX ] || echo "$file: $n lines"
        done
}

bad_function_length() {
        c_files "$1" | ctags -L - -f - --languages=C --langmap=C:.c.h --kinds-C=f --fields=nKe --excmd=number |
                awk -F '\t' -v max=$FUNCTION_LINES_MAX '{
                        for (i = 3; i <= NF; i++) {
                                if ($i ~ /^line:/) first = substr($i, 6)
                                if ($i ~ /^end:/) last = substr($i, 5)
                        }
                        if (last - first + 1 > max)
                                print $2 ":" first ": " $1 " has " last - first + 1 " lines"
                }'
}

bad_marks() {
        local folders=() folder
        for folder in src tests tools systemd etc man debian; do
                [ ! -d "$1/$folder" ] || folders+=("$1/$folder")
        done
        grep -rnwE 'TO''DO|FIX''ME|X''XX' "${folders[@]}" || true
}

all_bad() {
        bad_format "$1"
        bad_file_length "$1"
        bad_function_length "$1"
        bad_marks "$1"
}

fixture=$(mktemp -d)
trap 'rm -rf "$fixture"' EXIT
mkdir "$fixture"/{src,tests}
{
        echo 'int function(int x);'
        echo 'int function(int x) {'
        yes '        x++;' | head -$((FUNCTION_LINES_MAX - 1)) || true
        echo '        return x; /* TO''DO */'
        echo '}'
} >"$fixture/src/long.c"
yes 'int  x;' | head -$((FILE_LINES_MAX + 1)) >"$fixture/tests/long.h" || true
for kind in file_length function_length marks; do
        found=$(bad_$kind "$fixture" | wc -l)
        [ "$found" -eq 1 ] || { echo "found $found of 1 bad $kind in the fixture" >&2; exit 1; }
done

bad=$(all_bad "$top" | sed "s|^$top/||" | sort -u)
if [ -n "$bad" ]; then
        printf '%s\n' "$bad" >&2
        exit 1
fi
