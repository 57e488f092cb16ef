# shellcheck shell=bash
# A message bus of the test's own, set up as the system's is, and rebackupctl. After lib.sh.
#
# REBACKUPCTL  the program under test (default: the build's)

: "${REBACKUPCTL:=$PWD/src/ctl/rebackupctl}"
: "${top_srcdir:=$(realpath "${0%/*}/../..")}"

command -v dbus-daemon >/dev/null || skip_all "dbus-daemon is not installed"
command -v busctl >/dev/null || skip_all "busctl is not installed"

BUS_POLICY=${REBACKUP_BUS_POLICY:-$top_srcdir/systemd/org.rebackup.Pair1.conf}
BUS_PID=
# Daemons look for it from their start on, whether it is there yet or not.
export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$WORK/bus

# As /usr/share/dbus-1/system.conf has it, with another socket and no activation.
write_bus_config() {
        cat >"$WORK/bus.conf" <<END
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path=$WORK/bus</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <deny own="*"/>
    <deny send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
    <allow send_destination="org.freedesktop.DBus"/>
  </policy>
  <policy user="root">
    <allow send_destination="org.freedesktop.DBus" send_interface="org.freedesktop.DBus.Monitoring"/>
  </policy>
  <include>$BUS_POLICY</include>
</busconfig>
END
}

start_bus() {
        [ -e "$WORK/bus.conf" ] || write_bus_config
        rm -f "$WORK/bus"
        dbus-daemon --nofork --nopidfile --config-file="$WORK/bus.conf" 2>"$WORK/bus.log" &
        BUS_PID=$!
        wait_for '[ -S "$WORK/bus" ]' 10 || { diag <"$WORK/bus.log"; skip_all "no bus can be started here"; }
}

kill_bus() {
        [ -n "$BUS_PID" ] || return 0
        kill -KILL "$BUS_PID" 2>/dev/null
        wait "$BUS_PID" 2>/dev/null
        BUS_PID=
}
on_exit kill_bus

# ctl ARGUMENT...: output in OUT, messages in ERR, exit status in STATUS
ctl() {
        OUT=$("${CTL_VIA[@]}" timeout $((60 * REBACKUP_SCALE)) "$REBACKUPCTL" "$@" 2>"$WORK/ctl.err" </dev/null)
        STATUS=$?
        ERR=$(cat "$WORK/ctl.err")
}
CTL_VIA=()

ctl_gives() { # STATUS DESCRIPTION ARGUMENT...
        local wanted=$1 description=$2
        shift 2
        ctl "$@"
        if [ "$STATUS" -eq "$wanted" ]; then
                ok "$description"
        else
                not_ok "$description" "exit status $STATUS, not $wanted: $OUT $ERR"
        fi
}

out_has() { # DESCRIPTION EXTENDED-REGEX
        if grep -qaE -e "$2" <<<"$OUT"; then ok "$1"; else not_ok "$1" "$2 is not in: $OUT"; fi
}

err_has() {
        if grep -qaE -e "$2" <<<"$ERR"; then ok "$1"; else not_ok "$1" "$2 is not in: $ERR"; fi
}

# The name on the bus of the pair $DST.
bus_name() {
        printf 'org.rebackup.Pair1.'
        printf %s "$DST" | od -An -v -tx1 | tr -d ' \n' | perl -pe 's/(..)/my $c = chr hex $1; $c =~ m{[A-Za-z0-9]} ? $c : "_$1"/ge'
}

is_on_bus() {
        busctl --system status "$(bus_name)" >/dev/null 2>&1
}

property() { # NAME: as busctl prints it, without the type
        busctl --system get-property "$(bus_name)" /org/rebackup/Pair1 org.rebackup.Pair1 "$1" 2>/dev/null |
                sed 's/^[^ ]* //; s/^"\(.*\)"$/\1/'
}

call() { # METHOD ARGUMENT...
        busctl --system --timeout=60 call "$(bus_name)" /org/rebackup/Pair1 org.rebackup.Pair1 "$@" 2>"$WORK/call.err"
}
