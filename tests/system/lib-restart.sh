# shellcheck shell=bash
# The daemon as a service whose manager keeps descriptors from one process to the next. After lib.sh.

start_keeper() {
        # shellcheck disable=SC2034 # KEEPER_PID, for the end
        coproc KEEPER { exec "$REBACKUP_TOOLS/fd-keeper" "$WORK/notify"; }
        on_exit 'kill "$KEEPER_PID" 2>/dev/null'
}

tell() { # WORD...
        local IFS=$'\t'
        printf '%s\n' "$*" >&"${KEEPER[1]}"
}

# ask WORD...: the answer is in ANSWER
ask() {
        tell "$@"
        read -r -t $((30 * REBACKUP_SCALE)) ANSWER <&"${KEEPER[0]}"
}

# start_service [OPTIONS...]: as start_daemon does, below the keeper
start_service() {
        new_log
        ask start "$LOG" "${VIA[@]}" "$REBACKUPD" --set Alert.Sound=no --set Sync.RescanInterval=0 "$@" "$SRC" "$DST"
        DAEMON_PID=${ANSWER#started }
}

# end_service SIGNAL: its exit status is in STATUS
end_service() {
        kill "-$1" "$DAEMON_PID"
        ask wait
        DAEMON_PID=
        STATUS=${ANSWER#ended }
}

stop_service() {
        end_service TERM
        [ "$STATUS" = 0 ] || not_ok "SIGTERM ends the service with 0" "it was $STATUS"
}

is_ready() {
        ask ready
        [ "$ANSWER" = "ready 1" ]
}

store_is() { # NAME...
        ask store
        [ "$ANSWER" = "store${*:+ }$*" ] || { diag "$ANSWER"; return 1; }
}

went_on() { # DESCRIPTION
        check "$1: watches go on" wait_log 'where the last run left off \('
}

did_not_go_on() { # DESCRIPTION [REASON]
        check "$1: says why it begins anew" wait_log "not going on where the last run left off: .*${2:-}"
        check "$1: begins anew" log_lacks 'where the last run left off \('
        check "$1: and compares everything" wait_log 'pass done in'
}

no_pass() { # DESCRIPTION
        check "$1: without a full pass" log_lacks 'pass done in'
}
