#!/bin/bash
# Every shell script passes shellcheck.

set -eu

cd "${top_srcdir:-$(dirname "$0")/../..}"
command -v shellcheck >/dev/null || { echo "shellcheck is not installed"; exit 77; }

scripts=()
while IFS= read -r -d '' file; do
        case $(head -n 1 "$file" | tr -d '\0') in
        '#!'*sh | '#!'*sh' '* | '# shellcheck shell='*) scripts+=("$file") ;;
        esac
done < <(find .ci bench completion debian tests tools -type f ! -path 'debian/rebackup/*' -print0 2>/dev/null | sort -z)

[ ${#scripts[@]} -gt 10 ] || { echo "only ${#scripts[@]} scripts found" >&2; exit 1; }
# A few at a time: what it knows of one it remembers until the end.
printf '%s\0' "${scripts[@]}" |
        xargs -0 -n 8 -P "$(nproc)" shellcheck --source-path=SCRIPTDIR --external-sources --severity=style
