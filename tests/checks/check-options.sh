#!/bin/sh
# The options of `rebackupd --help` and `rebackup-alert --help` are those of their manual pages.

set -eu

top=${top_srcdir:-$(dirname "$0")/../..}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for program in daemon/rebackupd alert/rebackup-alert; do
        name=${program#*/}
        "${top_builddir:-.}/src/$program" --help >"$scratch/help"
        grep -oE '(^|[ ,])--?[a-zA-Z][a-z-]*' "$scratch/help" | tr -d ' ,' | sort -u >"$scratch/in-help"
        sed -n '/^\.Sh OPTIONS/,/^\.Sh [^O]/s/^\.It Fl //p' "$top/man/$name.8" | sed 's/\\-/-/g; s/ *Ar .*//' |
                tr -s ' ,' '\n' | sed 's/^/-/' | sort -u >"$scratch/in-manual"

        # A test that can find nothing is none.
        grep -qx -- --help "$scratch/in-help" || { echo "no options found in the help" >&2; exit 1; }
        grep -qx -- --help "$scratch/in-manual" || { echo "no options found in the manual page" >&2; exit 1; }

        if ! diff -u "$scratch/in-help" "$scratch/in-manual" >&2; then
                echo "the options of --help (-) and of $name(8) (+) differ" >&2
                exit 1
        fi
        if awk 'length > 80 { found = 1; print } END { exit !found }' "$scratch/help" >&2; then
                echo "the help is wider than 80 columns" >&2
                exit 1
        fi
done
