# shellcheck shell=bash
# Helpers of the tests of rebackupctl, on top of lib.sh.

: "${REBACKUPCTL:=${REBACKUPD%/*/*}/ctl/rebackupctl}"
[ -x "$REBACKUPCTL" ] || REBACKUPCTL=$(command -v rebackupctl) || skip_all "rebackupctl is not there"

# ctl ARGUMENT...: output in $WORK/stdout and $WORK/stderr, exit status in STATUS
ctl() {
        timeout $((60 * REBACKUP_SCALE)) "$REBACKUPCTL" "$@" >"$WORK/stdout" 2>"$WORK/stderr" </dev/null
        STATUS=$?
        if [ "$STATUS" -gt 128 ] || grep -qE 'Sanitizer|runtime error' "$WORK/stderr"; then
                not_ok "rebackupctl $* ends in an orderly way" "exit status $STATUS"
                diag <"$WORK/stderr"
        fi
}

gives() { # STATUS DESCRIPTION [ARGUMENT...]: runs rebackupctl
        local wanted=$1 description=$2
        shift 2
        ctl "$@"
        check "$description" test "$STATUS" -eq "$wanted"
        [ "$STATUS" -eq "$wanted" ] || diag <"$WORK/stderr"
}

says() { # EXTENDED-REGEX: on the standard error
        grep -qE -e "$1" "$WORK/stderr"
}

shows() { # EXTENDED-REGEX: on the standard output
        grep -qE -e "$1" "$WORK/stdout"
}
