#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Contrast: what ./dev run starve shows, in short: out of a reserve that it draws on nothing critical
# is lost, and without, all of it is, with the same packets and the same stalled consumer.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

net_begin
attend env LACK=77 "$(dirname "$0")/starve.sh" "$BUILD" --seconds 1 --json "$TMP/r.json" || {
	status=$?
	[ $status != 77 ] || lack "starve.sh says what is missing, above"
	fail "starve.sh ended with $status"
}
jq -c '.runs[]' "$TMP/r.json"
jq -e '.contrast and (.runs | length) >= 4 and ([.runs[].device] | unique | index("net_af_packet")) != null' \
	"$TMP/r.json" >/dev/null || fail "runs are missing"
# Every key can be looked up.
for key in $(jq -r '[keys, (.runs[0] | keys)] | flatten | .[]' "$TMP/r.json"); do
	grep -q "\`$key\`" "$(dirname "$0")/../../README.md" || fail "README.md does not say what $key is"
done
# Not what it says of itself, but what it counted.
jq -e '.runs | map(select(.pool == "pktpool" and .reserve == 64 and .critical)) |
	length > 0 and all(.ping_sent >= 20 and .ping_lost == 0 and .tcp_ok and .tcp_sent == .tcp_back and
		.tcp_back > 65536 and .min_free == 0 and .reserve_used > .marked_refused and
		.marked_refused > 1000 and .held > 4000 and .arp_flushes > 1 and .in_flight_at_exit == 0)' \
	"$TMP/r.json" >/dev/null || fail "something critical was lost with the reserve"
for without in '.pool == "ring_mp_mc"' '.pool == "pktpool" and .reserve == 0' \
	'.pool == "pktpool" and .reserve == 64 and (.critical | not)'; do
	jq -e ".runs | map(select($without)) | length > 0 and all(.ping_lost == .ping_sent and
		(.tcp_ok | not) and .tcp_back < .tcp_sent and .min_free < 32 and .reserve_used == 0 and
		.held > 4000)" "$TMP/r.json" >/dev/null ||
		fail "nothing died without the reserve where $without"
done
