#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Virtual: on DPDK's own net_null, net_ring and net_pcap all that goes in comes out, from every pool,
# with one lcore and two, and whatever the burst.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

# One run to its end; its summary has to say what $1 (jq) says.
forward() {
	local want=$1 cpus=$2
	shift 2
	: >"$TMP/fwd.err"
	attend timeout --foreground 30 "$BUILD/apps/fwd/pktpool-fwd" -l "$cpus" --in-memory --no-pci \
		--no-telemetry --iova-mode=va "$@" --json "$TMP/fwd.json" >"$TMP/out" 2>"$TMP/fwd.err" ||
		{ status=$?; fwd_complaints; fail "$*: ended with $status"; }
	jq -e "($want) and .rx + .first == .tx + .dropped and
		(.pool != \"pktpool\" or .in_flight_at_exit == 0)" "$TMP/fwd.json" >/dev/null ||
		fail "$*: $(jq -c 'del(.ports)' "$TMP/fwd.json") is not: $want"
	echo "ok: $*"
}

net_begin
# Two polling lcores want two CPUs.
both=$CPU queues=1
if [ "$CPU" != 0 ]; then both=0,$CPU queues=2; fi
null="--vdev net_null0,size=64 --vdev net_null1,size=64"
ring="--vdev net_ring0 --vdev net_ring1"

for pool in pktpool ring_mp_mc stack; do
	forward '.rx == 100000 and .tx == 100000 and .dropped == 0' "$CPU" $null -- \
		--packets 100000 --pool $pool
	forward '.rx == 100001 and .kept_by_driver == 600' "$both" $ring -- \
		--first 300 --packets 100001 --pool $pool
done
for burst in 1 7 64 512; do
	forward '.rx == 99999 and .tx == 99999' "$both" $null -- --burst $burst --packets 99999 \
		--queues $queues
	forward '.rx == 50000 and .verdicts.XDP_DROP == .rx and .tx == 0' "$both" $null -- \
		--burst $burst --packets 50000 --program drop --queues $queues
done
# Runts in the middle of a burst: they go, the others turn and keep their order.
python3 "$(dirname "$0")/virtual.py" mixed "$TMP/mixed.pcap" 96
for program in macswap 5tswap reflect; do
	ports="--vdev net_pcap0,rx_pcap=$TMP/mixed.pcap,tx_pcap=$TMP/turned0.pcap" n=96
	[ $program = reflect ] ||
		ports="$ports --vdev net_pcap1,rx_pcap=$TMP/mixed.pcap,tx_pcap=$TMP/turned1.pcap" n=192
	forward ".rx == $n and .tx == .rx * 2 / 3 and .verdicts.XDP_ABORTED == .rx / 3" "$CPU" \
		$ports -- --program $program --packets $n
	for turned in "$TMP"/turned?.pcap; do
		python3 "$(dirname "$0")/virtual.py" turned "$TMP/mixed.pcap" "$turned"
	done
	rm "$TMP"/turned?.pcap
done
# As few buffers as there can be, and what a buffer is made of.
forward '.rx == 50000 and .tx == 50000' "$both" $null -- --buffers 64 --burst 16 --packets 50000
forward '.rx == 50000 and .pages == "4K"' "$CPU" $null -- --pages 4K --packets 50000
forward '.rx == 50000 and .data_room == 9216' "$CPU" $null -- --data-room 9216 --buffers 1000 --packets 50000
for cache in 0 1 512; do
	forward '.rx == 99999 and .tx == 99999' "$both" $null -- --cache $cache --packets 99999 \
		--queues $queues
done
# Sent by the batch, and what is left of one at the end, too.
for pool in pktpool ring_mp_mc; do
	forward '.rx == 99999 and .tx == 99999' "$both" $null -- \
		--batch 2000 --packets 99999 --queues $queues --pool $pool
done
forward '.rx == 64 and .tx == .rx + .first and .dropped == 0' "$CPU" $ring -- \
	--first 16 --batch 100 --packets 64
# Also of a queue that is quiet while others of its lcore never are: each time round takes a wait.
forward '[.ports[] | select(.driver == "net_ring") | .rx] | min > 100' "$CPU" $null $ring -- \
	--first 16 --batch 100 --packets 3000000
# 2,048 at once are more than a ring takes, which bursts are not.
through="--vdev net_null0,size=64 --vdev net_ring0"
forward '.tx_refused == 0' "$CPU" $through -- --packets 20000
forward '.tx_refused > 1000' "$CPU" $through -- --packets 20000 --batch 2048
# A ring of 1,024 takes no more: the rest is refused, counted and freed.
forward '.first == 2000 and .tx_refused == 977 and .kept_by_driver == 1023' "$CPU" \
	--vdev net_ring0 -- --program reflect --first 2000 --packets 1
forward '.seconds >= 1 and .seconds < 3 and .rx > 0 and .verdicts.XDP_TX == .rx' "$CPU" \
	--vdev net_null0 -- --program reflect --seconds 1
# No Ethernet header: aborted, and freed.
forward '.rx == 1000 and .verdicts.XDP_ABORTED == 1000 and .tx == 0' "$CPU" \
	--vdev net_null0,size=10 --vdev net_null1,size=10 -- --packets 1000

for seed in 1 2; do
	python3 "$(dirname "$0")/virtual.py" write "$TMP/in$seed.pcap" 30000 $seed
done
for pool in pktpool ring_mp_mc; do
	forward '.rx == 60000 and .tx == 60000' "$CPU" \
		--vdev "net_pcap0,rx_pcap=$TMP/in1.pcap,tx_pcap=$TMP/out1.pcap" \
		--vdev "net_pcap1,rx_pcap=$TMP/in2.pcap,tx_pcap=$TMP/out2.pcap" -- \
		--packets 60000 --pool $pool
	python3 "$(dirname "$0")/virtual.py" compare "$TMP/in1.pcap" "$TMP/out2.pcap"
	python3 "$(dirname "$0")/virtual.py" compare "$TMP/in2.pcap" "$TMP/out1.pcap"
	rm "$TMP"/out?.pcap
done
