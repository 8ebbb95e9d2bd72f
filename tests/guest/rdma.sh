#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Rdma: in the guest, soft-RoCE on the four ends of two cables; they know each other by
# link-local addresses, which are the only ones that stay on a cable both ends of which are here.
# What the pool's backend does, what net_pp_verbs does, and who forwards with that. Argument: the
# build directory.
# Times are generous: under load a guest's clock runs several times as fast as ours.
set -u
build=$1
log=/tmp/forwarder.log
die() {
	echo "rdma: $*"
	[ ! -e $log ] || tail -n 30 $log
	dmesg | tail -n 20
	exit 1
}
step() { echo "== $* ($(cut -d' ' -f1 /proc/uptime) s after boot)"; }

modprobe -a rdma_rxe ib_uverbs crc32_generic veth || die "no module"
# An address is good at once: nobody else could have it.
echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
addresses=()
for i in 0 1 2 3; do
	[ $((i % 2)) = 1 ] || ip link add cable$i type veth peer name cable$((i + 1))
	ip link set dev cable$i mtu 4200 up
	rdma link add rxe$i type rxe netdev cable$i || die "no device rxe$i"
done
for i in 0 1 2 3; do
	read -r _ _ _ address _ <<<"$(ip -6 -o addr show dev cable$i scope link)"
	addresses[i]=${address%/*}
done

step "a pool's buffers"
timeout 900 "$build/tests/guest/rdma" rxe0 rxe1
status=$?
[ $status = 0 ] || die "exits with $status"
for i in 0 1; do
	[ "$(</sys/class/net/cable$i/statistics/tx_packets)" -ge 300 ] || die "it went another way than by the cable"
done

quiet() {
	! dmesg | grep -E 'BUG:|WARNING:|Call Trace' || die "the kernel complains"
	! rdma resource show mr | grep . || die "memory regions are left"
}
if [ ! -e "$build/tests/guest/rdma_ports" ]; then
	quiet
	exit 0
fi

# EAL loads no driver from below a directory that all can write, such as /tmp.
mkdir -p /mnt/build
mount --bind "$build" /mnt/build
driver=/mnt/build/lib/pmd/librte_net_pp_verbs.so
eal=(--no-pci --in-memory --no-telemetry -d $driver)
port() { echo "--vdev=net_pp_verbs$1,device=rxe$2,peer=${addresses[$3]}"; }
pair=("$(port 0 0 1)" "$(port 1 1 0)")
near=("$(port 0 0 1)" "$(port 1 2 3)")
far=("$(port 0 1 0)" "$(port 1 3 2)")

step "two ports"
timeout 900 "$build/tests/guest/rdma_ports" -l 0 -m 64 "${eal[@]}" "${pair[@]}" -- pair 2>&1 | grep -v '^EAL: '
status=${PIPESTATUS[0]}
[ "$status" = 0 ] || die "exits with $status"

frames=100
through() { timeout 900 "$build/tests/guest/rdma_ports" -l 0 -m 64 "${eal[@]}" "${far[@]}" -- $frames 2>&1 | grep -v '^EAL: '; }

step "pktpool-fwd between two ports"
"$build/apps/fwd/pktpool-fwd" -l 1 -m 64 "${eal[@]}" "${near[@]}" -- \
	--data-room 4224 --json /tmp/fwd.json --seconds 900 >$log 2>&1 &
forwarder=$!
through || die "not all frames came through"
kill -INT $forwarder
wait $forwarder || die "pktpool-fwd exits with $?"
jq -Mc '{pool, rx, tx, dropped, in_flight_at_exit}' /tmp/fwd.json
[ "$(jq -c '[.rx, .tx, .in_flight_at_exit]' /tmp/fwd.json)" = "[$((2 * frames)),$((2 * frames)),0]" ] ||
	die "other counts than of what was sent"

step "dpdk-testpmd between two ports, on our mempool ops"
mkfifo /tmp/enter
dpdk-testpmd -l 0,1 -m 64 "${eal[@]}" -d /mnt/build/lib/mempool/librte_mempool_pktpool.so \
	--mbuf-pool-ops-name=pktpool "${near[@]}" -- --mbuf-size=4224 --total-num-mbufs=4096 \
	--forward-mode=io --disable-link-check </tmp/enter >$log 2>&1 &
forwarder=$!
exec 3>/tmp/enter
through || die "not all frames came through"
echo >&3
wait $forwarder || die "dpdk-testpmd exits with $?"
grep -A 4 'Accumulated' $log | grep packets
[ "$(grep -A 4 Accumulated $log | grep -o 'total: [0-9]*' | sort | uniq -c | xargs)" = "2 total: $((2 * frames))" ] ||
	die "other counts than of what was sent"
quiet
step "the end"
