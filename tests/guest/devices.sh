#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Devices, in the guest, behind the IOMMU: who may reach what, what VFIO refuses, a shared group, 1 GiB
# hugepages, one pool under three kinds of devices, the manual's commands. Arguments: the build directory; which of these.
set -u
build=$1
shift
. "$(dirname "$0")/ground.sh"
modprobe -a e1000 e1000e virtio_net vfio-pci || die "modules"
few_drivers

# EAL's arguments for the NICs of these pairs, all of them on vfio-pci.
take() {
	local at
	# With --in-memory EAL would take a 1 GiB hugepage for its own use.
	eal=(--huge-dir=/dev/hugepages --huge-unlink --no-telemetry --log-level=lib.eal:error)
	for at in $(nics "$@"); do
		bind vfio-pci "$at"
		eal+=(-a "$at")
	done
}
run() {
	local what=$1
	shift
	"$@" >/tmp/log 2>&1 || die "$what"
	grep -vE '^EAL: |^lspci: ' /tmp/log
	say "$what"
}

enforce() { # IOVA-MODE PAIR...
	take "${@:2}"
	run "nothing but what is mapped is reached, IOVA mode $1" timeout 200 \
		"$build/tests/guest/dma_enforce" -l 0,1 -m 64 "--iova-mode=$1" "${eal[@]}"
}
limits() {
	take 1
	run "what VFIO refuses, and why" timeout 100 "$build/tests/guest/dma_limits" -l 0 -m 16 "${eal[@]}"
	chown guest /dev/vfio/[0-9]*
	# EAL locks some 17 MiB for itself.
	run "locked memory of an ordinary user" bash -c 'ulimit -l 32768 &&
		exec timeout 60 setpriv --reuid=guest --regid=guest --clear-groups "$@"' - \
		"$build/tests/guest/dma_limits" -l 0 -m 16 --in-memory "${eal[@]:2}" -- memlock
}
# One of a group stays with its kernel driver.
group() {
	local here there status=0
	here=$(nic 4 0) there=$(nic 4 1)
	[ "$(readlink -f "/sys/bus/pci/devices/$here/iommu_group")" = \
		"$(readlink -f "/sys/bus/pci/devices/$there/iommu_group")" ] || die "no two in one group"
	bind vfio-pci "$there"
	timeout 60 "$build/apps/fwd/pktpool-fwd" -l 0 --in-memory --no-telemetry -m 16 -a "$there" -- \
		--seconds 1 >/tmp/log 2>&1 || status=$?
	[ $status = 3 ] || die "pktpool-fwd exits with $status"
	grep "$there shares IOMMU group .* with $here, which is with e1000: .*--bind=vfio-pci $here" /tmp/log ||
		die "the reason is not there"
	say "a group shared with a driver of the kernel's"
}
three() {
	modprobe -a rdma_rxe ib_uverbs crc32_generic veth || die "modules"
	echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad
	ip link add dev cable0 type veth peer name cable1
	ip link add dev xa type veth peer name xb
	for i in 0 1; do
		ip link set dev cable$i mtu 4200 up
		rdma link add rxe$i type rxe netdev cable$i || die "no device rxe$i"
	done
	ip link set dev xa up
	ip link set dev xb up
	take 1
	run "one pool for VFIO, RDMA and AF_XDP at once" timeout 100 \
		"$build/tests/guest/dma_three" -l 0,1 -m 64 "${eal[@]}"
}
# The commands of README.md's section "On a real NIC", with this NIC's addresses.
readme() {
	local commands
	bind e1000e "$(nic 1 0)" "$(nic 1 1)"
	commands=$(sed -n '/^## On a real NIC/,/^## /p' ../../README.md | sed -n '/^```sh/,/^```/p' | grep -v '^```' |
		sed "s/0000:01:00.0/$(nic 1 0)/g; s/0000:01:00.1/$(nic 1 1)/g")
	[ "$(wc -l <<<"$commands")" -ge 5 ] || die "README.md has no commands: $commands"
	run "README.md's commands" env "PATH=$build/apps/fwd:$PATH" bash -exc "$commands"
	grep -q '^cross: 5' /tmp/log || die "pktpool-fwd did not run for its 5 s"
}
giant() {
	take 0
	run "1 GiB hugepages mapped" timeout 100 "$build/tests/guest/dma_enforce" -l 0,1 -m 64 "${eal[@]}" -- 1g
	echo 0 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
	! timeout 60 "$build/apps/fwd/pktpool-fwd" -l 1 -m 64 "${eal[@]}" -- --pages 1G --seconds 1 >/tmp/log 2>&1 ||
		die "asked and not there, and no error"
	grep 'echo 1 > /sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages' /tmp/log ||
		die "the command is not named"
	say "1 GiB asked and not there"
}

# A part in which no device may reach past what is mapped for it.
calm() {
	local before
	before=$(faults)
	"$1"
	# The interrupt that tells of one comes a little after it.
	sleep 0.2
	[ "$(faults)" = "$before" ] || die "$1: a device reached past what was mapped for it"
}

for part in "$@"; do
	case $part in
	# These reach past their mappings on purpose, and count the faults themselves.
	va) enforce va 0 1 2 ;;
	pa) enforce pa 1 ;;
	three) three ;;
	limits | group | readme | giant) calm "$part" ;;
	*) die "there is no $part" ;;
	esac
done
