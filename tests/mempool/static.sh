#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Static: an application with all of DPDK linked into it, as DPDK's own .pc has it, takes the ops with
# -d, stripped too; one whose link exports nothing is told so. Arguments: the plugin, the application.
set -u
plugin=${1:?the plugin} source=${2:?its source}
[ "$(id -u)" = 0 ] || { echo "skipped: wants root"; exit 77; }
# EAL refuses a plugin where anybody may write.
top=$(mktemp -d /run/pktpool-static.XXXXXX)
trap 'rm -rf "$top"' EXIT
cp "$plugin" "$top/"
die() {
	echo "$*"
	exit 1
}
run() {
	timeout 60 "$1" --no-huge -m 128 --no-pci --no-telemetry -l 0 --file-prefix "static$$" --log-level=lib.eal:error \
		-d "$top/${plugin##*/}" 2>&1
}

cc -O1 -c -o "$top/user.o" "$source" $(pkg-config --cflags libdpdk) || die "does not compile"
# Of what the .pc names, libsystemd is a static libpcap's; Debian's libpcap.so is taken here.
libs=$(pkg-config --static --libs libdpdk | sed 's/ -lsystemd\>//')
grep -q -e '-Wl,--export-dynamic' <<<"$libs" || die "DPDK's .pc exports nothing: $libs"
cc -o "$top/user" "$top/user.o" $libs || die "does not link"
! ldd "$top/user" | grep librte_ || die "is linked with shared libraries of DPDK"
strip "$top/user"
out=$(run "$top/user") || die "fails: $out"
tail -n 1 <<<"$out"

libs="-Wl,--whole-archive $(printf -- '-l:librte_%s.a ' mempool_ring mbuf mempool ring rcu eal telemetry kvargs)
	-Wl,--no-whole-archive -lnuma -lbsd -lm"
cc -o "$top/closed" "$top/user.o" $libs || die "does not link without exports"
! out=$(run "$top/closed") || die "works without exports: $out"
grep -q 'pktpool: this program does not show its DPDK to plugins' <<<"$out" || die "does not say why: $out"
echo "without --export-dynamic: $(grep -o 'this program does not.*' <<<"$out")"
