#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Autotest: DPDK's own tests, as Debian ships them, with all their mempools on our ops: those
# of the ops' names that the tests ask for, too. Arguments: the plugin, tests; in EAL what EAL is
# told besides.
plugin=${1:?the plugin}
shift
command -v dpdk-test >/dev/null || { echo "skipped: no dpdk-test (apt-get install dpdk-dev)"; exit 77; }
[ "$(id -u)" = 0 ] || { echo "skipped: wants root"; exit 77; }
# EAL refuses a plugin where anybody may write.
top=$(mktemp -d /run/pktpool-autotest.XXXXXX)
trap 'rm -rf "$top"' EXIT
cp "$plugin" "$top/"
export PKTPOOL_MEMPOOL_REPLACE=ring_mp_mc,ring_sp_sc,ring_mp_sc,ring_sp_mc,stack
for test in "$@"; do
	out=$(echo "$test" | timeout 100 dpdk-test --no-huge -m 512 --no-pci --no-telemetry \
		--file-prefix "autotest$$" -d "$top/${plugin##*/}" --mbuf-pool-ops-name=pktpool \
		--log-level=mempool.pktpool:debug ${EAL:-} 2>&1)
	made=$(grep -ac '^pktpool: .*: made for [0-9]* objects' <<<"$out")
	if grep -aq '^Test OK' <<<"$out" && [ "$made" != 0 ] && ! grep -aq 'Test Failed\|ops_name: <\(ring\|stack\)' <<<"$out"; then
		echo "$test: mempools made on pktpool: $made; $(grep -a '^Test OK' <<<"$out" | tail -n 1)"
	else
		tail -n 60 <<<"$out"
		echo "FAILED: $test"
		exit 1
	fi
done
