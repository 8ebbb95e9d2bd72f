#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Boot: runs a command as root in a QEMU guest (software emulation: never time anything there)
# with the host's /usr and the given directories, read-only, and returns its exit code.
#
#   boot.sh [-m MIB] [-N NUMA-NODES] [-H HUGEPAGES] [-G GIB] [-n MODEL[,group]]... [-i 0|1]
#           [-w BITS] [-Q DEVICE]... [-t SECONDS] [-d DIR]... IMAGE-DIR COMMAND
#
# -m  memory in MiB (1024)
# -H  2 MiB hugepages (64), or per node: 0:64,1:64
# -G  1 GiB hugepages, taken at boot (0); wants -m 4096 at least
# -n  a pair of NICs joined back to back: e1000, e1000e or virtio. The MAC of the first end of the
#     n-th pair is 52:54:00:00:0n:01, that of the second ...:02. "e1000,group": the two are in
#     one IOMMU group
# -i  a strict IOMMU or none; without -i, one if there are -n or -Q
# -w  the IOMMU's width in bits, 39 or 48 (48)
# -Q  one more QEMU device: edu
# In the guest are root, an ordinary user named "guest", and modprobe with the modules
# that image.sh names. Started again once if QEMU died.
# 77: no guest can be made here (and why); 124: out of time; 125: it died twice.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
memory=1024 nodes=1 hugepages=64 giants=0 pairs=() iommu= width=48 devices=() seconds=150 dirs=()
while getopts m:N:H:G:n:i:w:Q:t:d: option; do
	case $option in
	m) memory=$OPTARG ;;
	N) nodes=$OPTARG ;;
	H) hugepages=$OPTARG ;;
	G) giants=$OPTARG ;;
	n) pairs+=("$OPTARG") ;;
	i) iommu=$OPTARG ;;
	w) width=$OPTARG ;;
	Q) devices+=("$OPTARG") ;;
	t) seconds=$OPTARG ;;
	d) dirs+=("$(realpath "$OPTARG")") ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
image=$1 command=$2
"$here/image.sh" "$image"
[ -n "$iommu" ] || iommu=$((${#pairs[@]} + ${#devices[@]} > 0))

share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
printf '%s\n' "$command" >"$share/command"
: >"$share/dirs"

cpus=2
[ "$nodes" -le $cpus ] || cpus=$nodes
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -monitor none -no-reboot
	-accel tcg,thread=multi -cpu max -m "$memory" -smp "$cpus,sockets=$cpus"
	-serial "file:$share/console" -serial stdio -device virtio-rng-pci)
append="console=ttyS0 panic=-1 loglevel=5 nokaslr no_timer_check tsc=reliable clocksource=hpet
	mitigations=off audit=0"
[ "$giants" = 0 ] || append="$append hugepagesz=1G hugepages=$giants"
append="$append hugepagesz=2M hugepages=$hugepages"
virtio=virtio-net-pci
if [ "$iommu" = 1 ]; then
	qemu+=(-machine q35,kernel-irqchip=split,smm=off,vmport=off
		-device "intel-iommu,intremap=on,caching-mode=on,device-iotlb=on,aw-bits=$width")
	append="$append intel_iommu=on iommu.strict=1 iommu.passthrough=0"
	virtio=$virtio,disable-legacy=on,iommu_platform=on,ats=on
else
	qemu+=(-machine q35,smm=off,vmport=off)
fi
if [ "$nodes" -gt 1 ]; then
	for ((i = 0; i < nodes; i++)); do
		qemu+=(-object "memory-backend-ram,id=node$i,size=$((memory / nodes))M"
			-numa "node,nodeid=$i,memdev=node$i,cpus=$i")
	done
fi
for i in "${!pairs[@]}"; do
	model=${pairs[i]%,group}
	[ "$model" != virtio ] || model=$virtio
	for end in 1 2; do
		# Functions of one slot are one group: nothing keeps them from each other.
		slot=
		[ "${pairs[i]}" = "${pairs[i]%,group}" ] ||
			slot=",multifunction=on,addr=$(printf %x $((16 + i))).$((end - 1))"
		qemu+=(-netdev "hubport,id=net$i$end,hubid=$i"
			-device "$model$slot,romfile=,netdev=net$i$end,mac=52:54:00:00:0$i:0$end")
	done
done
for device in "${devices[@]}"; do
	qemu+=(-device "$device")
done
export_dir() {
	qemu+=(-fsdev "local,id=$1,path=$2,security_model=none,multidevs=remap${3:-}"
		-device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}
export_dir usr /usr ,readonly=on
export_dir share "$share"
for i in "${!dirs[@]}"; do
	export_dir "dir$i" "${dirs[i]}" ,readonly=on
	echo "${dirs[i]}" >>"$share/dirs"
done

for attempt in 1 2; do
	died=0
	timeout -k 5 "$seconds" "${qemu[@]}" -kernel "$image/vmlinuz" -initrd "$image/initrd" \
		-append "${append//[$'\n\t']/ }" </dev/null 2>"$share/qemu" || died=$?
	if [ -e "$share/status" ]; then
		exit "$(<"$share/status")"
	fi
	tail -n 20 "$share/console" "$share/qemu" >&2
	[ $died = 124 ] || [ $died = 137 ] && exit 124
	echo "boot: the guest died (QEMU exits with $died, attempt $attempt)" >&2
done
exit 125
