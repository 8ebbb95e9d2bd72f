#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Bad: what cannot be is refused with the thing and the way out named: 2 for a wrong option or file, 3
# for what is missing, 1 for a run that failed; a signal ends it with what came until then.
set -euo pipefail
BUILD=$1
. "$(dirname "$0")/pktgen.sh"

net_begin
ring="--vdev net_ring0"

refuse 2 "field ttl=3: unknown field 'ttl': must be one of src-mac, dst-mac" $ring -- --field ttl=3
refuse 2 'field src-ip: must be NAME=VALUES' $ring -- --field src-ip
refuse 2 'field src-port=9-1: the range ends before it begins' $ring -- --field src-port=9-1
refuse 2 'rate 2Gpps: impossible: above 1000000000' $ring -- --rate 2Gpps
refuse 2 'rate 1000: no unit' $ring -- --rate 1000
refuse 2 'trial 1: the rate is impossible: frames of 64 bytes' $ring -- --rate 999999Gbps
refuse 2 'frame 63: a frame of 63 bytes: must be from 64' $ring -- --frame 63
refuse 2 'a frame of 9000 bytes: .*--data-room 9152' $ring -- --frame 9000
refuse 2 'a frame of 9000 bytes: above the MTU of port 0 .*ip link set dev IF mtu 8982' $ring -- --frame 9000 \
	--data-room 9600
refuse 2 'a frame of 64 bytes: too short .* at least 74' $ring -- --protocol tcp --frame 64
refuse 2 'src-port: there is none in packets of ethernet' $ring -- --protocol ethernet --field src-port=1
refuse 2 'seconds and --packets: one of them' $ring -- --seconds 1 --packets 1
refuse 2 'method foo: must be one of run' $ring -- --method foo
refuse 2 'pair 0:1: there is no port 1, there is 1' $ring -- --pair 0:1
refuse 2 'pair 0: must be two ports' $ring -- --pair 0
refuse 2 'pair 0:1: port 1 receives already' $ring --vdev net_ring1 -- --pair 1:1 --pair 0:1
refuse 2 '3 ports: which sends to which' $ring --vdev net_ring1 --vdev net_ring2 --
refuse 2 'nonsense: not an option' $ring -- nonsense
refuse 2 'buffers 256: too few' $ring -- --buffers 256
refuse 2 'sign: of which --pcap' $ring -- --sign
refuse 2 'soak-loss: says nothing to --method run: --method soak\?' $ring -- --soak-loss 0
refuse 2 'full: says nothing to --method soak: --method rfc2544\?' $ring -- --method soak --full
refuse 3 'no port: ' --
refuse 2 'json and --csv r: each needs a file of its own' $ring -- --json r --csv r
refuse 3 'json /nope/r.json: No such file' $ring -- --json /nope/r.json
refuse 3 'csv /nope/r.csv: No such file' $ring -- --csv /nope/r.csv
refuse 3 'no 2 MiB hugepage .*echo [0-9]+ > ' $ring -- --buffers 50000000

# Files.
echo '{ "trials": [ { "seconds": 1 } ],' >"$TMP/t.json"
printf '  "colour": 1\n}\n' >>"$TMP/t.json"
refuse 2 'test .*/t.json:2: unknown key "colour" in the file: must be one of seed, pcap' $ring -- --test "$TMP/t.json"
refuse 2 'rate: the test file has it in its place' $ring -- --test "$TMP/t.json" --rate 1pps
echo '{ "streams": [] }' >"$TMP/t.json"
refuse 2 'method run: the test file has no "trials"' $ring -- --test "$TMP/t.json"
# A tag of one stream lengthens no other's frames.
echo '{ "streams": [ { "fields": { "vlan": 1 } }, { "frame": 1522 } ], "trials": [ { "packets": 1 } ] }' >"$TMP/t.json"
refuse 2 'a frame of 1522 bytes: above the MTU of port 0 .*takes 1518' $ring -- --test "$TMP/t.json"
# A limit that nothing is known about was not kept, nor was it missed.
limited() { echo "{ \"trials\": [ { \"packets\": 9, \"limits\": { \"$1\": 0 } } ] ${2-} }" >"$TMP/t.json"; }
limited max_loss
refuse 2 'test .*: trial 1: max_loss cannot be measured: nothing is received with --tx-only' $ring -- --tx-only \
	--test "$TMP/t.json"
limited max_reordered ', "pcap": { "file": "x" }'
refuse 2 'test .*: trial 1: max_reordered cannot be measured: packets of a pcap file' $ring -- --test "$TMP/t.json"
refuse 3 'test /nope.json: No such file' $ring -- --test /nope.json
python3 "$(dirname "$0")/../net/virtual.py" write "$TMP/in.pcap" 100 1
head -c 5000 "$TMP/in.pcap" >"$TMP/cut.pcap"
refuse 2 'pcap .*/cut.pcap: after packet [0-9]+: truncated dump file' $ring -- --pcap "$TMP/cut.pcap"
refuse 2 'frame: packets of a --pcap file are as they are' $ring -- --pcap "$TMP/in.pcap" --frame 128
refuse 2 'protocol: packets of a --pcap file are as they are' $ring -- --pcap "$TMP/in.pcap" --protocol udp
refuse 2 'verify: packets of a pcap file are only counted: --sign' $ring -- --pcap "$TMP/in.pcap" --verify
printf 'q' | dd of="$TMP/in.pcap" bs=1 seek=20 conv=notrunc 2>>"$TMP/dd"
refuse 2 'pcap .*: its packets are of link type LINUX_SLL \(113\): must be EN10MB' $ring -- --pcap "$TMP/in.pcap"
refuse 3 'pcap /nope.pcap: No such file' $ring -- --pcap /nope.pcap

# A full disk shows at the end, a silent receiver after the trial.
refuse 1 'json /dev/full: the summary could not be written: No space left' $ring -- --packets 1000 --json /dev/full
refuse 1 'csv /dev/full: the summary could not be written: No space left' $ring -- --packets 1000 --csv /dev/full
refuse 1 'of 1000 packets that port 0 .* sent none was received on port 1' $ring --vdev net_ring1 -- \
	--packets 1000 --settle 0.1
refuse 1 'none was received on port 0 .*, only others' --vdev net_null0 -- --packets 1000 --settle 0.1
# One direction of two is dead: that is said of the port that heard nothing, and no run that passed.
refuse 1 'of 500 packets that port 1 .* sent none was received on port 1 \(net_null1\)' $ring --vdev net_null1 -- \
	--pair 0:0 --pair 1:1 --packets 1000 --settle 0.1
! grep -q 'received on port 0' "$TMP/err" || fail "it complains of the port that heard: $(<"$TMP/err")"

# A veth whose other end is down, one above whose MTU a frame is, and one that goes in the middle.
net_hosts
ip -n "$A" link set dev ea down
enter() { ip netns exec "$M" bash -c "set -euo pipefail; $(declare -f refuse fail); TMP=$TMP PKTGEN=$PKTGEN CPU=$CPU EAL='$EAL'; $*"; }
packet="--vdev net_af_packet0,iface=ma"
enter "refuse 3 'no link on ma after 0.2 s: ip link set dev ma up, here and at its other end' $packet -- --link-wait 0.2"
ip -n "$A" link set dev ea up
enter "refuse 2 'a frame of 1519 bytes: above the MTU of port 0 .*takes 1518' $packet -- --frame 1519"
(
	for _ in {1..600}; do grep -q 'out/s' "$TMP/out" 2>/dev/null && break; sleep 0.1; done
	ip -n "$A" link set dev ea down
) &
enter "refuse 1 'port 0 .*: it has lost its link' $packet -- --tx-only --rate 100pps --seconds 60"
wait

# Until $1 (a pattern) is in $TMP/pg.out, or 60 s.
said() {
	for _ in {1..600}; do
		grep -q "$1" "$TMP/pg.out" && return 0
		sleep 0.1
	done
	fail "it does not say $1"
}
for signal in INT TERM HUP; do
	: >"$TMP/pg.out"
	"$PKTGEN" -l "$CPU" $EAL --vdev net_ring0 -- --rate 50kpps --seconds 600 --json "$TMP/pg.json" \
		>"$TMP/pg.out" 2>"$TMP/pg.err" &
	pid=$!
	OTHERS+=" $pid"
	said 'out/s'
	kill -$signal $pid
	status=0
	wait $pid || status=$?
	[ $status = 0 ] || fail "SIG$signal: it ended with $status"
	judge '.interrupted and $t.interrupted and $t.sent > 1000 and $t.lost == 0' "SIG$signal"
	echo "ok: SIG$signal"
done
