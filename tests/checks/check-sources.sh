#!/bin/bash
# Every source file and every test is in exactly the lists of files by which it is built and distributed,
# and every file in them exists.

set -eu

cd "${top_srcdir:-$(dirname "$0")/../..}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

find src tests -name '*.[ch]' -o -path 'tests/*' \( -name '*.sh' -o -name '*.test' \) | sort >"$scratch/there"
find src tests -name '*.am' -exec cat {} + |
        grep -oE '\b(src|tests)/[A-Za-z0-9_./-]+\.(c|h|sh|test)\b' | sort -u >"$scratch/listed"

[ -s "$scratch/listed" ] || { echo "no lists found" >&2; exit 1; }
if ! diff -u "$scratch/there" "$scratch/listed" >&2; then
        echo "the files that are there (-) and those in the Makemodule.am files (+) differ" >&2
        exit 1
fi
