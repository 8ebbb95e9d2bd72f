#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Kernel: a Linux stack at the other end of a veth takes what is sent for right: UDP over IPv4 and
# IPv6, tagged or not, comes back from an echo with its signature, TCP is answered, and the kernel's
# counters find no wrong checksum. That they would is shown by wrong ones.
set -euo pipefail
BUILD=$1
. "$(dirname "$0")/pktgen.sh"

net_begin
driver=net_af_packet
if grep -q '^XDP ' /proc/net/protocols; then driver=net_af_xdp; fi
net_hosts
# The generator is no host: its addresses are made known.
mac=02:00:00:00:00:77
to=$(in_a cat /sys/class/net/ea/address)
ip -n "$A" addr add 10.8.0.1/24 dev ea
ip -n "$A" addr add fd08::1/64 dev ea nodad
ip -n "$A" neigh add 10.8.0.2 lladdr $mac dev ea
ip -n "$A" neigh add fd08::2 lladdr $mac dev ea
in_a python3 - >"$TMP/echo.out" 2>&1 <<-END &
	import socket
	s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
	s.setsockopt(socket.SOL_SOCKET, 33, 1 << 26)  # SO_RCVBUFFORCE
	s.bind(("::", 7))
	print("ready", flush=True)
	while True:
	    data, peer = s.recvfrom(65536)
	    s.sendto(data, peer)
END
for _ in {1..600}; do grep -q ready "$TMP/echo.out" && break; sleep 0.1; done

count() { in_a nstat -az "$1" | awk -v name="$1" '$1 == name { print $2 }'; }
errors() {
	local sum=0 name
	for name in IpInHdrErrors UdpInErrors UdpInCsumErrors Udp6InErrors Udp6InCsumErrors TcpInErrs TcpInCsumErrors; do
		sum=$((sum + $(count $name)))
	done
	echo $sum
}
in_m_generate() {
	local want=$1 status=0
	shift
	attend ip netns exec "$M" timeout 120 "$PKTGEN" -l "$CPU" $EAL --vdev "${driver}0,iface=ma" -- \
		--field dst-mac="$to" --field src-mac=$mac --rate 5kpps --settle 2 --json "$TMP/pg.json" "$@" \
		>"$TMP/pg.out" 2>"$TMP/pg.err" || status=$?
	[ $status = 0 ] || fail "$*: ended with $status: $(grep -v '^EAL: ' "$TMP/pg.err")"
	judge "$want" "$*"
	[ "$(errors)" = 0 ] || fail "$*: the kernel found errors: $(in_a nstat -a)"
	echo "ok: $*"
}

in_a nstat -n
echoed='$t.sent == 1000 and $t.received == 1000 and $t.corrupt == 0 and $t.latency_ns.min > 1000'
in_m_generate "$echoed" --packets 1000 --verify --field src-ip=10.8.0.2 --field dst-ip=10.8.0.1 \
	--field src-port=1024-2023
in_m_generate "$echoed" --packets 1000 --verify --frame 82:1,301:1,1518:1 --field src-ip=fd08::2 \
	--field dst-ip=fd08::1 --field src-port=random:1024-65535
# A tag of priority only is taken off by the kernel whether it has VLANs or not.
in_m_generate "$echoed" --packets 1000 --verify --field vlan=0 --frame 68:7,594:4,1500:1 \
	--field src-ip=10.8.0.2 --field dst-ip=10.8.0.1
udp=$(($(count UdpInDatagrams) + $(count Udp6InDatagrams)))
[ "$udp" = 3000 ] || fail "the kernel took $udp of 3000 datagrams"


# Nobody listens there: each segment is answered by a reset, if its checksum is right.
for addresses in "10.8.0.2 10.8.0.1" "fd08::2 fd08::1"; do
	read -r from at <<<"$addresses"
	in_m_generate '$t.sent == 500' --tx-only --packets 500 --protocol tcp --frame 200:1,333:1 \
		--field src-ip=$from --field dst-ip=$at --field dst-port=9-109 --field src-port=random:1024-65535
done
for _ in {1..600}; do
	resets=$(count TcpOutRsts)
	[ "$resets" -lt 1000 ] || break
	sleep 0.1
done
[ "$resets" = 1000 ] || fail "the kernel answered $resets of 1000 segments"

# The same from a file whose packets are wrong in one bit: now the counters move.
pcap_empty "$TMP/empty.pcap"
generate '$t.sent == 50' --vdev "net_pcap0,tx_pcap=$TMP/right.pcap,rx_pcap=$TMP/empty.pcap" -- --tx-only \
	--packets 50 --frame 128 --field dst-mac="$to" --field src-ip=10.8.0.2 --field dst-ip=10.8.0.1
python3 - "$TMP/right.pcap" "$TMP/wrong.pcap" <<-END
	import sys
	data = bytearray(open(sys.argv[1], "rb").read())
	assert len(data) == 24 + 50 * (16 + 124), len(data)
	for n in range(50):
	    data[24 + n * 140 + 16 + 60] ^= 8
	open(sys.argv[2], "wb").write(data)
END
in_m timeout 60 "$PKTGEN" -l "$CPU" $EAL --vdev "${driver}0,iface=ma" -- --tx-only --pcap "$TMP/wrong.pcap" \
	>"$TMP/pg.out" 2>&1 || fail "the file could not be sent: $(tail -n 3 "$TMP/pg.out")"
# Frames that a tag makes longer than any other arrive, too.
before=$(in_a cat /sys/class/net/ea/statistics/rx_bytes)
python3 - "$TMP/tagged.pcap" <<-END
	import struct, sys
	frame = bytes.fromhex("$to$mac".replace(":", "")) + bytes.fromhex("8100000588b5") + bytes(1500)
	with open(sys.argv[1], "wb") as file:
	    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
	    file.write((struct.pack("<IIII", 0, 0, 1518, 1518) + frame) * 50)
END
in_m timeout 60 "$PKTGEN" -l "$CPU" $EAL --vdev "${driver}0,iface=ma" -- --tx-only --pcap "$TMP/tagged.pcap" \
	>"$TMP/pg.out" 2>&1 || fail "the tagged frames could not be sent: $(tail -n 3 "$TMP/pg.out")"
for _ in {1..600}; do
	came=$(($(in_a cat /sys/class/net/ea/statistics/rx_bytes) - before))
	[ $came -lt $((50 * 1514)) ] || break
	sleep 0.1
done
[ $came -ge $((50 * 1514)) ] || fail "of 50 tagged frames of 1518 bytes the kernel took $came bytes"
for _ in {1..600}; do
	wrong=$(count UdpInCsumErrors)
	[ "$wrong" -lt 50 ] || break
	sleep 0.1
done
[ "$wrong" = 50 ] || fail "the kernel found $wrong of 50 wrong checksums"
echo "ok: $udp datagrams and $resets segments right, $wrong of 50 wrong ones found"
