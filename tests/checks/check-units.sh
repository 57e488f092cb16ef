#!/bin/bash
# The units are ones that systemd understands, and leave the service as little as the promise in the unit says.

set -eu

top_builddir=${top_builddir:-.}
EXPOSURE_MAX=23 # tenths, of 100; less is better

command -v systemd-analyze >/dev/null || { echo "systemd-analyze is not installed"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch"/{system,user}
cp "${top_srcdir:-.}/systemd/"{rebackup.target,rebackup-alert@.path} "$scratch/system"
cp "${top_srcdir:-.}/systemd/user/"{rebackup.target,rebackup-alert@.path} "$scratch/user"
for unit in rebackup@.service rebackup-alert@.service; do
        sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$top_builddir/systemd/$unit" >"$scratch/system/$unit"
        sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$top_builddir/systemd/user/$unit" >"$scratch/user/$unit"
done

# understood DIRECTORY: nothing to be said of the units in it
understood() {
        local output
        output=$(cd / && SYSTEMD_UNIT_PATH="$1:" systemd-analyze verify --man=no rebackup@pair.service \
                rebackup-alert@pair.path rebackup-alert@pair.service rebackup.target 2>&1) &&
                [ -z "$output" ] && return
        printf '%s\n' "$output" >&2
        return 1
}

# exposure FILE: in tenths
exposure() {
        systemd-analyze security --offline=true "$1" | sed -n 's/^.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

# A check that can find nothing is none.
mkdir "$scratch/bad"
cp "$scratch/system/"* "$scratch/bad"
echo 'NoSuchThing=yes' >>"$scratch/bad/rebackup@.service"
if understood "$scratch/bad" 2>/dev/null; then
        echo "systemd-analyze finds nothing wrong in a unit with a mistake" >&2
        exit 1
fi
sed -i '/^Protect/d; /^Restrict/d; /^NoSuch/d' "$scratch/bad/rebackup@.service"
[ "$(exposure "$scratch/bad/rebackup@.service")" -gt $EXPOSURE_MAX ] ||
        { echo "systemd-analyze takes an open unit for a closed one" >&2; exit 1; }

# The daemon leaves itself the capabilities that the unit leaves it.
unit=$(sed -n 's/^CapabilityBoundingSet=//p' "$scratch/system/rebackup@.service" | tr ' ' '\n' | sort)
daemon=$(sed -n 's/^ *\(CAP_[A-Z_]*\), .*/\1/p' "${top_srcdir:-.}/src/daemon/capabilities.c" | sort)
if [ -z "$unit" ] || [ "$unit" != "$daemon" ]; then
        printf '%s\n' "capabilities of the unit:" "$unit" "and of the daemon:" "$daemon" >&2
        exit 1
fi

for scope in system user; do
        understood "$scratch/$scope" || exit 1
done
n=$(exposure "$scratch/system/rebackup@.service")
if [ "$n" -gt $EXPOSURE_MAX ]; then
        systemd-analyze security --offline=true "$scratch/system/rebackup@.service" | grep -v '✓' >&2 || true
        echo "the exposure level is $((n / 10)).$((n % 10)), more than $((EXPOSURE_MAX / 10)).$((EXPOSURE_MAX % 10))" >&2
        exit 1
fi
