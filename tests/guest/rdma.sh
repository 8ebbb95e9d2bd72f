#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Rdma: in the guest, two devices of soft-RoCE on the two ends of a cable; they know each other
# by link-local addresses, which are the only ones that stay on it. Argument: the build directory.
set -u
build=$1
die() {
	echo "rdma: $*"
	dmesg | tail -n 20
	exit 1
}

modprobe -a rdma_rxe ib_uverbs crc32_generic veth || die "no module"
# An address is good at once: nobody else could have it.
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
ip link add cable0 type veth peer name cable1
for i in 0 1; do
	ip link set dev cable$i mtu 4200 up
	rdma link add rxe$i type rxe netdev cable$i || die "no device rxe$i"
done
timeout 100 "$build/tests/guest/rdma" rxe0 rxe1
status=$?
[ $status = 0 ] || die "exits with $status"
for i in 0 1; do
	[ "$(</sys/class/net/cable$i/statistics/tx_packets)" -ge 300 ] || die "it went another way than by the cable"
done
dmesg | grep -E 'BUG:|WARNING:|Call Trace' && die "the kernel complains"
rdma resource show
