#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Cross: what ./dev run shows, in short: pings, a file and a flood cross on AF_XDP, and every buffer
# is home.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

net_begin
grep -q '^XDP ' /proc/net/protocols || lack "this kernel has no XDP sockets (CONFIG_XDP_SOCKETS)"
attend "$(dirname "$0")/run.sh" "$BUILD" --seconds 5 --json "$TMP/r.json"
cat "$TMP/r.json"
jq -e '.pool == "pktpool" and .driver == "net_af_xdp" and .ping_lost == 0 and .tcp_sha_ok and
	.in_flight_at_exit == 0 and .kept_by_driver >= 2 * 2048 and .rx > 40000 and
	.rx == .tx + .dropped and .verdicts.XDP_REDIRECT == .rx and .udp_received > 0 and
	(.ports | length) == 2' "$TMP/r.json" || fail "the summary is not what was promised"
