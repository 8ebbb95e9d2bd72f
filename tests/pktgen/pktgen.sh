# SPDX-License-Identifier: BSD-3-Clause
# Pktgen: what the tests of pktpool-pktgen share. To be sourced by bash after BUILD is set.
LACK=77
. "$(dirname "$0")/../net/netns.sh"
PKTGEN=$BUILD/apps/pktgen/pktpool-pktgen
EAL="--in-memory --no-pci --no-telemetry --iova-mode=va"

# One run that ends well; its results have to be what $1 (jq) says. Then EAL's arguments, `--`, its own.
generate() {
	local want=$1 status=0
	shift
	attend timeout --foreground 120 "$PKTGEN" -l "$CPU" $EAL "$@" --json "$TMP/pg.json" \
		>"$TMP/pg.out" 2>"$TMP/pg.err" || status=$?
	[ $status = 0 ] || fail "$*: ended with $status: $(grep -v '^EAL: ' "$TMP/pg.err")"
	judge "$want" "$*"
	echo "ok: $*"
}

# The books, too: nothing is in flight at the end.
judge() {
	jq -e "(.trials[0] as \$t | $1) and .in_flight_at_exit == 0" "$TMP/pg.json" >/dev/null ||
		fail "$2: $(jq -c '.trials[] | del(.latency_ns, .flows.worst)' "$TMP/pg.json") is not: $1"
}

# A run that ends with status $1 and says $2 (a pattern).
refuse() {
	local want=$1 say=$2 status=0
	shift 2
	timeout --foreground 60 "$PKTGEN" -l "$CPU" $EAL "$@" >"$TMP/out" 2>"$TMP/err" || status=$?
	[ $status = "$want" ] ||
		fail "$*: ended with $status, not $want: $(tail -n 3 "$TMP/err")"
	grep -Eq -- "pktpool-pktgen: .*$say" "$TMP/err" || fail "$*: does not say '$say': $(<"$TMP/err")"
	! grep -q 'in flight [1-9]' "$TMP/out" || fail "$*: buffers are in flight at the end"
	echo "ok: $status: $(grep -m1 'pktpool-pktgen: ' "$TMP/err")"
}

# A pcap file of no packets, for a port that has to have something to receive from.
pcap_empty() {
	printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0' >"$1"
}
