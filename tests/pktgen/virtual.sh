#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Virtual: on net_ring, net_null and net_pcap all that is sent comes back and is counted, by one lcore
# and two; what is written to a file is what was asked for; limits pass and fail.
set -euo pipefail
BUILD=$1
. "$(dirname "$0")/pktgen.sh"

net_begin
whole='$t.lost == 0 and $t.duplicated == 0 and $t.reordered == 0 and $t.corrupt == 0 and $t.foreign == 0
	and $t.received == $t.sent and $t.latency_ns.count == $t.sent
	and $t.latency_ns.min > 0 and $t.latency_ns.min <= $t.latency_ns.p50
	and $t.latency_ns.p50 <= $t.latency_ns.p99 and $t.latency_ns.p99 <= $t.latency_ns.p999
	and $t.latency_ns.p999 <= $t.latency_ns.max'
ring="--vdev net_ring0"
one=$CPU

# Every protocol, version and length, each checksum looked at.
for what in "--protocol udp" "--protocol tcp --ip 6 --frame 94:7,594:4,1518:1" "--protocol ip --ip 6" \
	"--protocol ethernet" "--ip 6 --frame 98 --field vlan=1-100" \
	"--frame imix --field src-ip=random:10.0.0.0-10.255.255.255"; do
	generate "$whole and \$t.sent == 30000" $ring -- --packets 30000 --verify $what
done
# 65,536 flows, each with its own numbers.
generate "$whole and \$t.flows.flows == 65536" $ring -- --packets 200000 \
	--field src-port=0-65535 --field dst-ip=10.0.0.1
# A rate in packets and one in bits: 64 bytes are 672 bits on the wire.
# So few that all may be made up for, should the machine stop for a while.
generate "$whole and \$t.sent == 500 and \$t.asked_pps == 1000 and (\$t.rate_error | fabs) < 0.5" $ring -- \
	--rate 1kpps --seconds 0.5
generate "$whole and \$t.sent == 500" $ring -- --rate 672kbps --seconds 0.5
generate "$whole and \$t.sent == 500" $ring -- --rate 512kbps-l2 --seconds 0.5
if [ "$CPU" != 0 ]; then
	# One lcore sends, the other receives; and both ports, both ways.
	CPU=0,$CPU
	generate "$whole and \$t.sent == 300000" $ring -- --packets 300000
	generate "$whole and \$t.sent == 300000" --vdev net_ring0 --vdev net_ring1 -- --pair 0:0 --pair 1:1 \
		--packets 300000
	CPU=$one
fi
# One packet of two ports: the other sends none.
generate "$whole and \$t.sent == 1" --vdev net_ring0 --vdev net_ring1 -- --pair 0:0 --pair 1:1 --packets 1
# Both ways between two ports that are each other's ends.
memif="socket=$TMP/memif.sock,socket-abstract=no,id=0"
generate "$whole and \$t.sent == 20001 and \$t.flows.flows == 20" --vdev "net_memif0,role=server,$memif" \
	--vdev "net_memif1,role=client,$memif" -- --both --packets 20001 --field src-port=1-10 --link-wait 60
# Nothing is looked for.
generate '$t.sent == 100000 and $t.received == 0 and $t.lost == 0' --vdev net_null0 -- --tx-only --packets 100000

pcap_empty "$TMP/empty.pcap"
# What was asked for is in the file: 3 of 4 packets tagged, ports in turn.
cat >"$TMP/t.json" <<-END
	{ "streams": [
		{ "weight": 3, "frame": 128, "fields": { "vlan": 100, "dst-port": "5000-5002" } },
		{ "weight": 1, "protocol": "tcp", "ip": 6, "frame": 256 } ],
	  "trials": [ { "name": "out", "packets": 400 } ] }
END
generate '$t.sent == 400' --vdev "net_pcap0,tx_pcap=$TMP/out.pcap,rx_pcap=$TMP/empty.pcap" -- --tx-only --test "$TMP/t.json"
tcpdump -nr "$TMP/out.pcap" -e -vv >"$TMP/dump" 2>&1 || fail "tcpdump: $(tail -n 1 "$TMP/dump")"
[ "$(grep -c 'vlan 100' "$TMP/dump")" = 300 ] || fail "not 300 tagged packets"
for port in 5000 5001 5002; do
	[ "$(grep -c "\.$port: \[udp sum ok\] UDP" "$TMP/dump")" = 100 ] || fail "not 100 right packets to port $port"
done
[ "$(grep -c 'cksum 0x[0-9a-f]* (correct)' "$TMP/dump")" = 100 ] || fail "not 100 right segments of TCP"
! grep -Eq 'bad (udp )?cksum|incorrect' "$TMP/dump" || fail "tcpdump finds a wrong checksum"

# A file: all of it once; at its own time; at ten times that; with signatures.
python3 "$(dirname "$0")/../net/virtual.py" write "$TMP/in.pcap" 2000 1
generate '$t.sent == 2000 and $t.received == 2000 and $t.latency_ns.count == 0' $ring -- --pcap "$TMP/in.pcap"
generate '$t.sent == 2000' --vdev "net_pcap0,tx_pcap=$TMP/copy.pcap,rx_pcap=$TMP/empty.pcap" -- --tx-only --pcap "$TMP/in.pcap"
python3 "$(dirname "$0")/../net/virtual.py" compare "$TMP/in.pcap" "$TMP/copy.pcap"
generate "$whole and \$t.sent == 400" $ring -- --pcap "$TMP/out.pcap" --sign --verify
generate "$whole and \$t.sent == 1000" $ring -- --pcap "$TMP/out.pcap" --sign --packets 1000
# Eleven packets over a second.
python3 - "$TMP/slow.pcap" <<-END
	import struct, sys
	with open(sys.argv[1], "wb") as file:
	    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
	    for n in range(11):
	        file.write(struct.pack("<IIII", n // 10, n % 10 * 100000, 60, 60) + bytes(60))
END
generate '$t.sent == 11 and $t.seconds >= 0.99' $ring -- --pcap "$TMP/slow.pcap" --speed 1
# Whole frames, and those with a tag, at an MTU of 1500.
python3 - "$TMP/tagged.pcap" <<-END
	import struct, sys
	with open(sys.argv[1], "wb") as file:
	    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
	    for n in range(20):
	        frame = bytes(range(1, 13)) + (bytes.fromhex("81000005") if n % 2 else b"") + bytes.fromhex("88b5") + bytes(1500)
	        file.write(struct.pack("<IIII", 0, n, len(frame), len(frame)) + frame)
END
generate "$whole and \$t.sent == 20" $ring -- --pcap "$TMP/tagged.pcap" --sign
generate '$t.sent == 11 and $t.seconds >= 0.099 and $t.seconds < 0.9' $ring -- --pcap "$TMP/slow.pcap" --speed 10

# A file that takes 100 s at that speed says so on a terminal, as soon as it has begun.
script -qfec "$PKTGEN -l $CPU $EAL $ring -- --pcap $TMP/slow.pcap --speed 0.01 --quiet" "$TMP/tty" >"$TMP/script.out" 2>&1 &
pid=$!
OTHERS+=" $pid"
for _ in {1..600}; do
	if grep -aq '%  1:[34][0-9] left  trial 1' "$TMP/tty" 2>/dev/null; then break; fi
	kill -0 $pid 2>/dev/null || break
	sleep 0.1
done
grep -aq '%  1:[34][0-9] left  trial 1' "$TMP/tty" || fail "no bar for a file at its own timing: $(<"$TMP/tty")"
kill -TERM $pid
wait $pid || true

# On a terminal: a table renewed in place, a bar, and the time left.
attend script -qec "$PKTGEN -l $CPU $EAL $ring -- --rate 100pps --seconds 4" "$TMP/tty" >"$TMP/script.out"
grep -aq '#\.*\] .*%  0:0[0-9] left  trial 1' "$TMP/tty" || fail "no bar on the terminal"
grep -aq $'\033\[2Aport 0 -> 0 ' "$TMP/tty" || fail "no table renewed on the terminal"

# Limits: kept, missed by one trial of two, and the table as CSV.
limits() {
	cat >"$TMP/t.json" <<-END
		{ "limits": { "max_loss": 0, "max_reordered": 0 },
		  "trials": [ { "name": "first", "packets": 1000 },
		    { "name": "second, \"quoted\"", "packets": 1000, "limits": { "$1": $2 } } ] }
	END
}
limits min_rx_pps 1
generate '.passed and .trials[1].passed' $ring -- --test "$TMP/t.json" --csv "$TMP/t.csv"
python3 - "$TMP/t.csv" <<-END
	import csv, sys
	rows = list(csv.DictReader(open(sys.argv[1])))
	assert [row["name"] for row in rows] == ["first", 'second, "quoted"'], rows
	assert all(row["sent"] == row["received"] == "1000" and row["lost"] == "0" for row in rows), rows
	assert float(rows[0]["latency_ns.p99"]) > 0, rows
END
limits min_rx_pps 999999999
refuse 1 'second.*: min_rx_pps is [0-9.e+]*, the limit is 999999999' $ring -- --test "$TMP/t.json" --json "$TMP/pg.json"
judge '(.passed | not) and .trials[0].passed and (.trials[1].passed | not) and
	.trials[1].missed[0].limit == "min_rx_pps"' "a missed limit"
limits max_latency_us 0
refuse 1 'second.*: max_latency_us is' $ring -- --test "$TMP/t.json"
