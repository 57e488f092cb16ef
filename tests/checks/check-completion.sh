#!/bin/bash
# The bash completion offers what the programs take, the pairs that are configured and the paths that they have.

set -eu

top=$(realpath "${top_srcdir:-$(dirname "$0")/../..}")
build=$(realpath "${top_builddir:-.}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

mkdir -p root/etc/rebackup/music.conf.d root/usr/lib/rebackup "source/my photos" source/.hidden replica
mkdir -p .replica.rebackup/versions/{2026-11-21T06:25:38.123Z/deleted,2026-11-22T06:25:38.123Z}
touch "source/my photos/a" source/new replica/only-here .replica.rebackup/versions/2026-11-22T06:25:38.123Z/nearly-lost
printf '[Pair]\nSource = %s\nReplica=%s\n' "$scratch/source" "$scratch/replica/" >root/etc/rebackup/photos.conf
touch root/etc/rebackup/README root/usr/lib/rebackup/vendor.conf

# shellcheck source=../../completion/rebackupd
. "$top/completion/rebackupd"

n_failed=0
# offers WORDS... -- CANDIDATE...: the last word is the one that is being typed
offers() {
        local wanted
        COMP_WORDS=()
        while [ "$1" != -- ]; do
                COMP_WORDS+=("$1")
                shift
        done
        shift
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        COMPREPLY=()
        _rebackup "$build/$program" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        wanted=$(printf '%s\n' "$@")
        if [ "$(printf '%s\n' "${COMPREPLY[@]-}")" != "$wanted" ]; then
                printf 'after "%s": %s\nnot:\n%s\n' "${COMP_WORDS[*]}" "${COMPREPLY[*]-}" "$wanted" >&2
                n_failed=$((n_failed + 1))
        fi
}

# contains CANDIDATE...: the last offer has these among others
contains() {
        local candidate
        for candidate; do
                [[ $'\n'"$(printf '%s\n' "${COMPREPLY[@]-}")"$'\n' == *$'\n'"$candidate"$'\n'* ]] && continue
                printf 'after "%s": lacks %s\n' "${COMP_WORDS[*]}" "$candidate" >&2
                n_failed=$((n_failed + 1))
        done
}

program=src/ctl/rebackupctl
offers rebackupctl vers -- versions
offers rebackupctl rest -- restore
offers rebackupctl --config-root "$scratch/root" status ph -- photos
offers rebackupctl list "" -- ""
offers rebackupctl --config-root "$scratch/root" versions "" -- music photos vendor
offers rebackupctl --config-root = "$scratch/root" versions p -- photos
offers rebackupctl --config-root "$scratch/root" --json versions p -- photos
offers rebackupctl --config-root "$scratch/root" versions photos "" -- deleted/ "my photos/" nearly-lost new only-here
offers rebackupctl --config-root "$scratch/root" versions photos 'my\ ph' -- "my photos/"
offers rebackupctl --config-root "$scratch/root" versions photos '"my photos/' -- "my photos/a"
offers rebackupctl --config-root "$scratch/root" versions photos . -- .hidden/
offers rebackupctl --config-root "$scratch/root" verify p -- photos
offers rebackupctl --config-root "$scratch/root" verify photos only -- only-here
offers rebackupctl --config-root "$scratch/root" explain photos 'my\ ph' -- "my photos/"
offers rebackupctl --config-root "$scratch/root" sync photos "" -- ""
offers rebackupctl status --wa -- --watch
offers rebackupctl create new "$scratch/so" -- "$scratch/source"
offers rebackupctl create new "$scratch/source" "$scratch/rep" Versions.M -- Versions.MinInterval= Versions.MaxUse=
offers rebackupctl versions "$scratch/rep" -- "$scratch/replica"
offers rebackupctl versions "$scratch/replica" d -- deleted/
offers rebackupctl restore --to "$scratch/rep" -- "$scratch/replica"
offers rebackupctl restore --to = "$scratch/rep" -- "$scratch/replica"
offers rebackupctl restore --conf -- --config-root
offers rebackupctl versions photos a "" -- ""

program=src/daemon/rebackupd
offers rebackupd --config-root "$scratch/root" --instance "" -- music photos vendor
offers rebackupd --log-level n -- notice
offers rebackupd --set Versions.M -- Versions.MinInterval= Versions.MaxUse=
offers rebackupd "$scratch/so" -- "$scratch/source"
offers rebackupd --once "$scratch/source" "$scratch/rep" -- "$scratch/replica"
offers rebackupd --dry -- --dry-run

# All of what the programs name.
for program in src/ctl/rebackupctl src/daemon/rebackupd; do
        offers "${program##*/}" --none-such -- ""
        COMP_WORDS=("${program##*/}" -)
        COMP_CWORD=1
        _rebackup "$build/$program" - "${program##*/}"
        mapfile -t options < <("$build/$program" --help | grep -oE -e '(^|[ ,])--?[a-zA-Z][a-z-]*' | tr -d ' ,' | sort -u)
        [ ${#options[@]} -gt 3 ] || { echo "no options found in the help of $program" >&2; exit 1; }
        contains "${options[@]}"
done

# Each command of the manual page.
program=src/ctl/rebackupctl
offers rebackupctl none-such "" -- ""
COMP_WORDS=(rebackupctl "")
COMP_CWORD=1
_rebackup "$build/$program" "" rebackupctl
manual=$(ls "$top"/man/rebackupctl.1)
mapfile -t commands < <(sed -nE 's/^\.(It )?(Cm|Ss) ([a-z-]+)( .*)?$/\3/p' "$manual" | sort -u)
[ ${#commands[@]} -gt 1 ] || { echo "no commands found in $manual" >&2; exit 1; }
contains "${commands[@]}"

# The keys are those of the manual page.
sed -nE 's/^\.Sh THE \[([A-Z]+)\].*/\1/p; s/^\.It Va ([A-Za-z]+) Ns = .*/\1/p' "$top/man/rebackup.conf.5" |
        awk '/^[A-Z]+$/ { section = substr($0, 1, 1) tolower(substr($0, 2)); next } section { print section "." $0 }' |
        sort >in-manual
printf '%s\n' "${_REBACKUP_KEYS[@]}" | sort >in-completion
[ -s in-manual ] || { echo "no keys found in rebackup.conf(5)" >&2; exit 1; }
diff -u in-manual in-completion >&2 || { echo "the keys of rebackup.conf(5) (-) and of the completion (+) differ" >&2; exit 1; }

[ $n_failed -eq 0 ]
