#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Installed: where EAL looks for drivers, the ops are found without -d; and a plugin of ours in
# every DPDK program is no trouble to one that uses other ops. The directory is ours to fill in a
# mount namespace only. Argument: the plugin.
set -u
plugin=${1:?the plugin}
drivers=$(echo /usr/lib/*/dpdk/pmds-23.0)
[ "$(id -u)" = 0 ] || { echo "skipped: wants root"; exit 77; }
{ [ -d "$drivers" ] && command -v dpdk-testpmd >/dev/null; } || { echo "skipped: no $drivers or no dpdk-testpmd"; exit 77; }
top=$(mktemp -d /run/pktpool-installed.XXXXXX)
trap 'rm -rf "$top"' EXIT
cp -a "$drivers/." "$top/"
cp "$plugin" "$top/"
try() {
	{ sleep 2; echo; } | timeout 60 unshare -m sh -c "mount --bind '$top' '$drivers' && exec dpdk-testpmd --no-huge -m 256 \
		--no-pci --no-telemetry --file-prefix installed$$ -l 0,1 --vdev net_null0 --vdev net_null1 $1 \
		-- --total-num-mbufs=4096 --auto-start" 2>&1
}
out=$(try --mbuf-pool-ops-name=pktpool) || { echo "$out"; echo "testpmd fails"; exit 1; }
grep -q 'preferred mempool ops selected: pktpool' <<<"$out" || { echo "$out"; echo "not chosen"; exit 1; }
sent=$(sed -n 's/.*TX-total: *\([0-9]*\).*/\1/p' <<<"$out" | tail -n 1)
[ "${sent:-0}" -gt 100000 ] || { echo "$out"; echo "sent ${sent:-nothing}"; exit 1; }
out=$(try --mbuf-pool-ops-name=ring_mp_mc) || { echo "$out"; echo "testpmd fails beside it"; exit 1; }
grep -q 'pktpool:' <<<"$out" && { echo "$out"; echo "it speaks up unasked"; exit 1; }
echo "without -d: $sent packets on pktpool; beside ring_mp_mc it is silent"
