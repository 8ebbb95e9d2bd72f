# SPDX-License-Identifier: BSD-3-Clause
# Ground, to be sourced: what the tests in the guest share. Its log of what they do is /tmp/log.
failed=0
began=$SECONDS
die() {
	echo "FAILED: $*"
	[ ! -e /tmp/log ] || head -n 20 /tmp/log; tail -n 20 /tmp/log
	dmesg | grep -iE 'DMAR.*fault|segfault' | tail -n 5
	exit 1
}
say() { echo "$* ($((SECONDS - began)) s)"; }

# PCI addresses of both ends of these pairs of boot.sh's -n, counted from 0; or of end 0 or 1.
nics() {
	local device all=() pair
	for device in /sys/bus/pci/devices/*; do
		[ "$(<"$device/class")" != 0x020000 ] || all+=("${device##*/}")
	done
	for pair in "$@"; do
		echo "${all[2 * pair]} ${all[2 * pair + 1]}"
	done
}
nic() { nics "$1" | cut -d ' ' -f $(($2 + 1)); }
# The kernel's name of the NIC at a PCI address.
nic_name() {
	local at
	for at in "/sys/bus/pci/devices/$1"/net/* "/sys/bus/pci/devices/$1"/virtio*/net/*; do
		[ ! -e "$at" ] || echo "${at##*/}"
	done
}
# To another driver, as dpdk-devbind.py does it, without starting Python for each.
bind() {
	local driver=$1 at
	shift
	for at in "$@"; do
		[ ! -e "/sys/bus/pci/devices/$at/driver" ] ||
			echo "$at" >"/sys/bus/pci/devices/$at/driver/unbind"
		echo "$driver" >"/sys/bus/pci/devices/$at/driver_override"
		echo "$at" >/sys/bus/pci/drivers_probe
	done
}
# EAL loads each of its 128 drivers when it starts, which takes half a minute in here: leave it
# those that are wanted, and those that testpmd is linked with.
few_drivers() {
	local all=(/usr/lib/*/dpdk/pmds-*) driver
	[ ! -e /run/drivers ] || return 0
	mkdir /run/drivers
	for driver in librte_{bus_pci,bus_vdev,mempool_ring,net_e1000,net_virtio}.so \
		$(ldd "$(command -v dpdk-testpmd)" | grep -oE 'librte_[a-z0-9_]+\.so' | sort -u); do
		[ ! -e "${all[0]}/$driver" ] || cp -a "${all[0]}/$driver"* /run/drivers/
	done
	mount --bind /run/drivers "${all[0]}"
}
faults() { dmesg | grep -c 'DMAR.*fault addr'; }
