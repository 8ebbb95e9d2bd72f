#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Wire: in the guest, two kernel hosts ping each other through pktpool-fwd on two e1000e NICs
# that DPDK drives behind the IOMMU. Arguments: the build directory, the pool (pktpool).
set -u
build=$1
die() {
	echo "wire: $*"
	[ ! -e /tmp/fwd.log ] || tail -n 40 /tmp/fwd.log
	dmesg | grep -iE 'DMAR.*fault|segfault' | tail -n 5
	exit 1
}

# Each pair's first end is the kernel's, its second DPDK's.
modprobe e1000e
ends=() ports=()
for device in /sys/bus/pci/devices/*; do
	[ "$(<"$device/class")" = 0x020000 ] || continue
	net=$(ls "$device/net")
	if [[ $(<"$device/net/$net/address") == *:01 ]]; then
		ends+=("$net")
	else
		ports+=("${device##*/}")
	fi
done
[ ${#ends[@]} = 2 ] && [ ${#ports[@]} = 2 ] || die "found ends '${ends[*]}' and ports '${ports[*]}'"

modprobe vfio-pci
for port in "${ports[@]}"; do
	echo "$port" >"/sys/bus/pci/devices/$port/driver/unbind"
	echo vfio-pci >"/sys/bus/pci/devices/$port/driver_override"
	echo "$port" >/sys/bus/pci/drivers_probe
done
for i in 0 1; do
	ip netns add host$i
	ip link set dev "${ends[i]}" netns host$i
	ip -n host$i addr add 10.77.0.$((i + 1))/24 dev "${ends[i]}"
	ip -n host$i link set dev "${ends[i]}" up
done

"$build/apps/fwd/pktpool-fwd" -l 0,1 --iova-mode=va --in-memory --no-telemetry -m 64 \
	-a "${ports[0]}" -a "${ports[1]}" -- \
	--program cross --promiscuous --pool "${2:-pktpool}" --json /tmp/fwd.json --seconds 100 >/tmp/fwd.log 2>&1 &
fwd=$!
for ((i = 0; i < 30; i++)); do
	ip netns exec host0 ping -c 1 -W 1 10.77.0.2 >/dev/null && break
	kill -0 $fwd || die "pktpool-fwd ended by itself"
done
sent=$(ip netns exec host0 ping -c 100 -i 0.02 -s 1400 -W 10 10.77.0.2) || die "no ping came through"
tail -n 2 <<<"$sent"
grep -q ' 0% packet loss' <<<"$sent" || die "pings were lost"
kill -INT $fwd
wait $fwd || die "pktpool-fwd exits with $?"
jq -Mc '{pool, rx, tx, dropped, kept_by_driver, in_flight_at_exit}' /tmp/fwd.json
[ "$(jq .in_flight_at_exit /tmp/fwd.json)" = 0 ] || die "buffers are out"
[ "$(jq .rx /tmp/fwd.json)" -ge 200 ] || die "the pings went another way"
! dmesg | grep -i 'DMAR.*fault' || die "a device reached past what was mapped for it"
