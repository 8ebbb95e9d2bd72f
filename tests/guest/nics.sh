#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Nics, in the guest: kernel hosts ping each other through pktpool-fwd and through dpdk-testpmd with
# our mempool ops, over an e1000, an e1000e and two virtio NICs behind the IOMMU.
# Arguments: the build directory, EAL's IOVA modes for the one and for the other (va, pa), and more
# options of pktpool-fwd.
set -u
build=$1 modes=("$2" "$3")
shift 3
. "$(dirname "$0")/ground.sh"

modprobe -a e1000 e1000e virtio_net vfio-pci || die "modules"
few_drivers
# Each pair's first end is the kernel's, its second DPDK's.
ports=() allow=()
for i in 0 1 2 3; do
	net=$(nic_name "$(nic $i 0)")
	ip netns add host$i
	ip link set dev "$net" netns host$i
	ip -n host$i addr add 10.77.$((i / 2)).$((i + 1))/24 dev "$net"
	ip -n host$i link set dev "$net" up
	ports+=("$(nic $i 1)")
	allow+=(-a "${ports[i]}")
done
bind vfio-pci "${ports[@]}"
# EAL refuses a driver below a directory that anybody may write.
cp "$build/lib/mempool/librte_mempool_pktpool.so" /opt/

# With --in-memory EAL would take a 1 GiB hugepage for its own 64 MiB.
eal=(--huge-dir=/dev/hugepages --huge-unlink --no-telemetry -m 64 --log-level=lib.eal:info "${allow[@]}")
start() {
	"$@" >/tmp/log 2>&1 &
	forwarder=$!
}
ping_through() { # HOST ADDRESS
	local sent
	for ((i = 0; i < 60; i++)); do
		ip netns exec "$1" ping -c 1 -W 1 "$2" >/dev/null && break
		kill -0 $forwarder || die "it ended by itself"
	done
	# What comes back is compared with what was sent.
	sent=$(ip netns exec "$1" ping -c 100 -i 0.01 -s 1400 -p 5a0fc3 -W 20 "$2") || die "no ping came through"
	tail -n 2 <<<"$sent"
	grep -q ' 0% packet loss' <<<"$sent" || die "pings were lost"
	! grep -i 'wrong data' <<<"$sent" || die "pings came back changed"
}
pass_pings() {
	local other status=0
	(ping_through host2 10.77.1.4) &
	other=$!
	ping_through host0 10.77.0.2
	wait $other || exit 1
	kill -INT $forwarder
	wait $forwarder || status=$?
	[ $status = 0 ] || die "it exits with $status"
	grep -qi "IOVA mode '$1'" /tmp/log || die "EAL is not in IOVA mode $1"
	[ "$(faults)" = 0 ] || die "a device reached past what was mapped for it"
}

start "$build/apps/fwd/pktpool-fwd" -l 1 "${eal[@]}" "--iova-mode=${modes[0]}" -- \
	--program cross --promiscuous --json /tmp/fwd.json --seconds 100 "$@"
pass_pings "${modes[0]}"
jq -Mc '{pool, rx, tx, dropped, kept_by_driver, in_flight_at_exit}' /tmp/fwd.json
[ "$(jq .in_flight_at_exit /tmp/fwd.json)" = 0 ] || die "buffers are out"
[ "$(jq .rx /tmp/fwd.json)" -ge 400 ] || die "the pings went another way"
say "pktpool-fwd $* over four NICs, IOVA mode ${modes[0]}"

start dpdk-testpmd -l 0,1 "${eal[@]}" "--iova-mode=${modes[1]}" -d /opt/librte_mempool_pktpool.so \
	--mbuf-pool-ops-name=pktpool -- --nb-cores=1 --forward-mode=io --total-num-mbufs=8192 \
	--stats-period 100
pass_pings "${modes[1]}"
total=$(sed -n '/Accumulated/,/+++$/p' /tmp/log | awk '/RX-packets/ { rx = $2 } /TX-packets/ { print rx + 0 == $2 + 0 ? rx : -1 }')
[ "${total:--1}" -ge 400 ] || die "testpmd sent other than it received: $total"
grep -q 'preferred mempool ops selected: pktpool' /tmp/log || die "testpmd did not take our mempool ops"
say "dpdk-testpmd with our mempool ops over four NICs, IOVA mode ${modes[1]}: $total packets"
# The ends are the kernel's again.
for i in 0 1 2 3; do ip netns del host$i; done
