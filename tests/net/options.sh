#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Options: what cannot be is refused with the thing, its limit and the way out named: 2 for a wrong
# option, 3 for what the machine lacks, 1 for a run that failed.
set -euo pipefail
LACK=77
. "$(dirname "$0")/netns.sh"
BUILD=$1

EAL="-l 0 --in-memory --no-pci --no-telemetry --iova-mode=va"
NULLS="--vdev net_null0 --vdev net_null1"

# The exit status, a pattern that stderr has to have, EAL's arguments, `--`, its own.
refuse() {
	local want=$1 say=$2 status=0
	shift 2
	timeout --foreground 20 ${UNDER:-} "$BUILD/apps/fwd/pktpool-fwd" "$@" >"$TMP/out" 2>"$TMP/err" || status=$?
	[ $status = "$want" ] ||
		fail "$*: ended with $status, not $want: $(tail -n 3 "$TMP/err")"
	grep -Eq -- "pktpool-fwd: .*$say" "$TMP/err" || fail "$*: does not say '$say': $(<"$TMP/err")"
	echo "ok: $status: $(grep -m1 'pktpool-fwd: ' "$TMP/err")"
}

net_begin
EAL="${EAL/-l 0/-l $CPU}"

refuse 2 'pool foo: must be pktpool, ring_mp_mc or stack' $EAL $NULLS -- --pool foo
refuse 2 'program foo: must be drop, reflect, cross, io, macswap, 5tswap or pass' $EAL $NULLS -- --program foo
refuse 2 'pages 3M: must be 2M, 1G or 4K' $EAL $NULLS -- --pages 3M
refuse 2 'burst 0: .* from 1 to 512' $EAL $NULLS -- --burst 0
refuse 2 'burst 513: .* from 1 to 512' $EAL $NULLS -- --burst 513
refuse 2 'burst x: .* from 1 to 512' $EAL $NULLS -- --burst x
refuse 2 'buffers 63: .* from 64 to' $EAL $NULLS -- --buffers 63
refuse 2 'buffers -1: ' $EAL $NULLS -- --buffers -1
refuse 2 'buffers 99999999999999999999: ' $EAL $NULLS -- --buffers 99999999999999999999
refuse 2 'seconds 1\.5: ' $EAL $NULLS -- --seconds 1.5
refuse 2 'data-room 65536: .* from 192 to 65535' $EAL $NULLS -- --data-room 65536
refuse 2 'queues 17: .* from 1 to 16' $EAL $NULLS -- --queues 17
refuse 2 'nonsense: not an option' $EAL $NULLS -- nonsense
refuse 2 'unrecognized option .*--nonsense' $EAL $NULLS -- --nonsense
refuse 2 'pages 2M: only pktpool' $EAL $NULLS -- --pool stack --pages 2M
refuse 2 'reserve 31: .* a burst of 32 .*: --reserve 32, or --burst 31' $EAL $NULLS -- --reserve 31
refuse 2 'reserve -1: .* from 0 to' $EAL $NULLS -- --reserve -1
refuse 2 'reserve 64: only pktpool has a reserve, stack has none' $EAL $NULLS -- --pool stack --reserve 64
refuse 2 'cache 513: .* from 0 to 512' $EAL $NULLS -- --cache 513
refuse 2 'cache 64: what returns to a cache' $EAL $NULLS -- --reserve 64 --cache 64
refuse 2 'cache 100: of 128 buffers at most two thirds: --cache 84' $EAL $NULLS -- --buffers 128 --cache 100
refuse 2 'batch 0: .* from 1 to' $EAL $NULLS -- --batch 0
refuse 2 'batch 64: what is critical would wait' $EAL $NULLS -- --batch 64 --reserve 64
refuse 2 'batch 64: what is critical would wait' $EAL $NULLS -- --batch 64 --stall
refuse 2 'buffers 1000: too few: .*: --buffers 1064' $EAL $NULLS -- --buffers 1000 --batch 500
refuse 2 'critical tcp:0: the number is not one of 1..65535' $EAL $NULLS -- --reserve 64 --critical tcp:0
refuse 2 'critical tcp:1,bgp: it is of tcp:PORT' $EAL $NULLS -- --reserve 64 --critical tcp:1,bgp
refuse 2 'critical: there is no reserve' $EAL $NULLS -- --critical tcp:179
refuse 2 'no-critical: there is no reserve' $EAL $NULLS -- --no-critical
refuse 2 'buffers 100: too few: .* beside the reserve: --buffers 128' $EAL $NULLS -- \
	--buffers 100 --reserve 64
refuse 2 'EAL does not take these arguments' $EAL --nonsense $NULLS --
refuse 2 'cross needs ports in pairs, there is 1' $EAL --vdev net_null0 --
refuse 2 'pass needs a net_tap port for every other port, there are 0 for 2' $EAL $NULLS -- -p pass
refuse 2 'buffers 64: too few: .*: --buffers 1024' $EAL $NULLS -- --buffers 64 --burst 512
refuse 2 'has 1 queue, --queues 2 asks for more' $EAL --vdev net_pcap0,iface=lo -- -p drop --queues 2

refuse 3 'no port: ' $EAL --
refuse 3 'there is no interface nope here' $EAL --vdev net_af_xdp0,iface=nope -- -p drop
refuse 3 'there is no interface nope here' $EAL --vdev=net_af_packet0,iface=nope -- -p drop
refuse 3 'there is no such port now: EAL could not make it' $EAL \
	--vdev net_pcap0,rx_pcap="$TMP/nope" --vdev net_null0 --
# Also the last of them, whose place EAL writes to.
refuse 3 'there is no such port now: EAL could not make it' $EAL \
	--vdev net_null0 --vdev net_pcap0,rx_pcap="$TMP/nope" --
cat >"$TMP/bare.sh" <<-EOF
	#!/bin/sh
	umount -a -t hugetlbfs
	exec "\$@"
EOF
chmod +x "$TMP/bare.sh"
UNDER="unshare -m $TMP/bare.sh" refuse 3 'no hugetlbfs is mounted.*mount -t hugetlbfs none' ${EAL/--in-memory/} $NULLS --
refuse 3 'json /nope/r.json: No such file' $EAL $NULLS -- --json /nope/r.json
refuse 3 '/sys/kernel/mm/hugepages/hugepages-1048576kB' $EAL $NULLS -- --pages 1G
refuse 3 'no 2 MiB hugepage .*echo [0-9]+ > /sys/kernel/mm/hugepages/hugepages-2048kB' $EAL \
	$NULLS -- --buffers 50000000
refuse 3 'no rte_mempool of 50000000 buffers over stack' $EAL $NULLS -- --pool stack --buffers 50000000

# Ports that would take such buffers and pass nothing.
refuse 2 'net_memif .*zero-copy' $EAL --single-file-segments --vdev net_null0 --vdev \
	"net_memif0,role=client,id=0,socket=$TMP/memif.sock,socket-abstract=no,zero-copy=yes" --
if grep -q '^XDP ' /proc/net/protocols; then
	net_hosts
	# In m's namespace, where there is a veth.
	export -f refuse fail
	enter() { ip netns exec "$M" bash -c "set -euo pipefail; BUILD=$BUILD TMP=$TMP; $*"; }
	enter "refuse 2 'buffers 4000: too few: .*--buffers 4128' $EAL --vdev net_af_xdp0,iface=ma -- -p drop --buffers 4000"
	enter "refuse 2 'net_af_xdp .*frames of 2048' $EAL --vdev net_af_xdp0,iface=ma -- -p drop --data-room 1024"
fi

# A full disk shows at the end: the run has failed.
refuse 1 'json /dev/full: the summary could not be written: No space left' $EAL $NULLS -- \
	--packets 1000 --json /dev/full

# A machine without a hugepage, as sysfs shows it.
mkdir -p "$TMP/none"
for file in "$HUGE"/*; do echo 0 >"$TMP/none/$(basename "$file")"; done
export -f refuse fail
unshare -m bash -c "set -euo pipefail; BUILD=$BUILD TMP=$TMP
	for shown in $HUGE /sys/devices/system/node/node*/hugepages/hugepages-2048kB; do
		mount --bind $TMP/none \$shown
	done
	refuse 3 'no hugepage is free .*/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages.*: echo 256 > ' \
		$EAL $NULLS --"

# A ping that dies early is not one that lost nothing.
mkdir "$TMP/bin"
printf '#!/bin/sh\necho "3 packets transmitted, 3 received, 0%% packet loss, time 2ms"\n' >"$TMP/bin/ping"
chmod +x "$TMP/bin/ping"
PATH=$TMP/bin:$PATH pings_send "$A" 127.0.0.1 60
[ "$SENT/$LOST" = 3/57 ] || fail "of 60 pings of which 3 were sent, $LOST are said to be lost of $SENT"
printf '#!/bin/sh\nexit 2\n' >"$TMP/bin/ping"
PATH=$TMP/bin:$PATH pings_send "$A" 127.0.0.1 60
[ "$SENT/$LOST" = 0/60 ] || fail "of 60 pings that were not sent, $LOST are said to be lost of $SENT"

for ask in --help --usage --version; do
	"$BUILD/apps/fwd/pktpool-fwd" $ask >"$TMP/out" || fail "$ask: ended with $?"
	grep -q pktpool-fwd "$TMP/out" || fail "$ask says nothing"
done
for wrong in "" "/nope" "$BUILD --seconds 4" "$BUILD --pool x" "$BUILD --driver x" "$BUILD --json" "$BUILD x"; do
	status=0
	"$(dirname "$0")/run.sh" $wrong >"$TMP/out" 2>&1 || status=$?
	[ $status = 2 ] || fail "run.sh $wrong: ended with $status, not 2"
done
for wrong in "" "/nope" "$BUILD --seconds 0" "$BUILD --seconds x" "$BUILD --driver x" "$BUILD --json" "$BUILD x"; do
	status=0
	"$(dirname "$0")/starve.sh" $wrong >"$TMP/out" 2>&1 || status=$?
	[ $status = 2 ] || fail "starve.sh $wrong: ended with $status, not 2"
done
# Before anything is built, or taken from the machine.
: >"$TMP/untouched"
for script in "" starve rfc2544; do
	unshare -m sh -c "mount --bind '$TMP/untouched' /proc/sys/vm/nr_hugepages && mount -o remount,bind,ro \
		/proc/sys/vm/nr_hugepages && exec '$(dirname "$0")/../../dev' run $script --help" >"$TMP/out" ||
		fail "dev run $script --help: ended with $?"
	grep -q "usage: ${script:-run}.sh" "$TMP/out" || fail "dev run $script --help says nothing"
done
for script in run starve; do
	status=0
	env -u LACK "$(dirname "$0")/$script.sh" "$BUILD" --json /nope/r.json >"$TMP/out" 2>&1 || status=$?
	[ $status = 3 ] || fail "$script.sh --json /nope/r.json: ended with $status, not 3"
done
