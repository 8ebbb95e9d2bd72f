#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Boot: runs a command as root in a QEMU guest (software emulation: never time anything there)
# with the host's /usr and the given directories, read-only, and returns its exit code.
#
#   boot.sh [-m MIB] [-N NUMA-NODES] [-H HUGEPAGES] [-n NIC-PAIRS] [-t SECONDS] [-d DIR]... \
#           IMAGE-DIR COMMAND
#
# -H 64 or per node, -H 0:64,1:64. Of a pair of e1000e NICs, joined back to back, the first has
# the MAC 52:54:00:00:0n:01 and the second ...:02. With NICs there is a strict IOMMU, too.
# 77: no guest can be made here (and why); 124: out of time; 125: it died.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
memory=1024 nodes=1 hugepages=64 pairs=0 seconds=150 dirs=()
while getopts m:N:H:n:t:d: option; do
	case $option in
	m) memory=$OPTARG ;;
	N) nodes=$OPTARG ;;
	H) hugepages=$OPTARG ;;
	n) pairs=$OPTARG ;;
	t) seconds=$OPTARG ;;
	d) dirs+=("$(realpath "$OPTARG")") ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
image=$1 command=$2
"$here/image.sh" "$image"

share=$(mktemp -d)
trap 'rm -rf "$share"' EXIT
printf '%s\n' "$command" >"$share/command"
: >"$share/dirs"

cpus=2
[ "$nodes" -le $cpus ] || cpus=$nodes
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -display none -monitor none -no-reboot
	-accel tcg,thread=multi -cpu max -m "$memory" -smp "$cpus,sockets=$cpus"
	-serial "file:$share/console" -serial stdio -device virtio-rng-pci)
append="console=ttyS0 panic=-1 loglevel=5 nokaslr no_timer_check tsc=reliable clocksource=tsc
	mitigations=off audit=0 hugepagesz=2M hugepages=$hugepages"
if [ "$pairs" -gt 0 ]; then
	qemu+=(-machine q35,kernel-irqchip=split,smm=off,vmport=off
		-device intel-iommu,intremap=on,caching-mode=on,aw-bits=48)
	append="$append intel_iommu=on iommu.strict=1 iommu.passthrough=0"
else
	qemu+=(-machine q35,smm=off,vmport=off)
fi
if [ "$nodes" -gt 1 ]; then
	for ((i = 0; i < nodes; i++)); do
		qemu+=(-object "memory-backend-ram,id=node$i,size=$((memory / nodes))M"
			-numa "node,nodeid=$i,memdev=node$i,cpus=$i")
	done
fi
for ((i = 0; i < pairs; i++)); do
	for end in 1 2; do
		qemu+=(-netdev "hubport,id=net$i$end,hubid=$i"
			-device "e1000e,romfile=,netdev=net$i$end,mac=52:54:00:00:0$i:0$end")
	done
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

died=0
timeout -k 5 "$seconds" "${qemu[@]}" -kernel "$image/vmlinuz" -initrd "$image/initrd" \
	-append "${append//[$'\n\t']/ }" </dev/null 2>"$share/qemu" || died=$?
if [ -e "$share/status" ]; then
	exit "$(<"$share/status")"
fi
tail -n 20 "$share/console" "$share/qemu" >&2
[ $died = 124 ] || [ $died = 137 ] && exit 124
exit 125
