#!/bin/sh
# Every MESSAGE_ID of the headers has exactly one entry in the message catalog, every entry an id in a
# header, and journalctl takes the catalog.

set -eu

top=${top_srcdir:-$(dirname "$0")/../..}
catalog=$top/systemd/rebackup.catalog
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

sed -n 's/^#define REBACKUP_MSG_[A-Z_]* *"\([0-9a-f]\{32\}\)".*/\1/p' \
        "$top/src/alert/message-ids.h" "$top/src/daemon/message-ids.h" "$top/src/sync/message-ids.h" | sort >"$scratch/headers"
sed -n 's/^-- \([0-9a-f]\{32\}\)$/\1/p' "$catalog" | sort >"$scratch/catalog"

[ -s "$scratch/headers" ] || { echo "no ids found in the headers" >&2; exit 1; }
for list in headers catalog; do
        doubled=$(uniq -d "$scratch/$list")
        [ -z "$doubled" ] || { echo "twice in the $list: $doubled" >&2; exit 1; }
done
if ! diff -u "$scratch/headers" "$scratch/catalog" >&2; then
        echo "the ids of the headers (-) and of $catalog (+) differ" >&2
        exit 1
fi

entries=$(grep -c '^-- ' "$catalog")
for field in Subject Defined-By Documentation; do
        found=$(grep -c "^$field: " "$catalog")
        [ "$found" -eq "$entries" ] || { echo "$entries entries, but $found with $field:" >&2; exit 1; }
done

# journalctl puts the bytes of a field in as they are. Names of files may have escapes for a terminal in them.
raw=$(grep -o '@[A-Z_]*@' "$catalog" | sort -u | grep -vx '@REBACKUP_PAIR@' || true)
[ -z "$raw" ] || { echo "fields with names that others choose: $raw" >&2; exit 1; }
if grep -vE '^(#|Subject:)' "$catalog" | grep -E '.{79}' >&2; then
        echo "the catalog is wider than 78 columns" >&2
        exit 1
fi

if command -v journalctl >/dev/null; then
        mkdir -p "$scratch/root/usr/lib/systemd/catalog" "$scratch/root/var/lib/systemd/catalog"
        cp "$catalog" "$scratch/root/usr/lib/systemd/catalog/"
        journalctl --root="$scratch/root" --update-catalog
        listed=$(journalctl --root="$scratch/root" --list-catalog | grep -c . || true)
        [ "$listed" -eq "$entries" ] || { echo "journalctl lists $listed of $entries entries" >&2; exit 1; }
fi
