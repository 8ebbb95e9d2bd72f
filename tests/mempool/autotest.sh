#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Autotest: DPDK's own tests, as Debian ships them, with all their mempools on our ops: those
# of the ops' names that the tests ask for, too. Arguments: the plugin, tests.
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
		--file-prefix "autotest$$" -d "$top/${plugin##*/}" --mbuf-pool-ops-name=pktpool 2>&1)
	if grep -q '^Test OK' <<<"$out" && ! grep -q 'Test Failed\|ops_name: <\(ring\|stack\)' <<<"$out"; then
		echo "$test: $(grep -c 'ops_name: <pktpool>' <<<"$out") mempools shown, all on pktpool; ok"
	else
		tail -n 60 <<<"$out"
		echo "FAILED: $test"
		exit 1
	fi
done
