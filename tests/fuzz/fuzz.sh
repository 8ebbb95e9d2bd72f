#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Fuzz: builds one fuzzer with clang (libFuzzer, ASan, UBSan) and lets it run for
# PP_FUZZ_SECONDS (10). Usage: fuzz.sh attach|checksum|pktgen [libFuzzer's arguments]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
noun=${1:?which one}
shift
command -v clang >/dev/null || { echo "no clang"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d[0] == n; }' >"$work/probe.c"
clang -w -fsanitize=fuzzer,address "$work/probe.c" -o "$work/probe" 2>/dev/null ||
	{ echo "clang has no libFuzzer (package libclang-rt-14-dev)"; exit 77; }

flags=(-g -O1 -std=gnu11 -D_GNU_SOURCE= -march=x86-64-v2 -w
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all)
case $noun in
attach)
	sources=("$root"/lib/core/*.c "$root/lib/dma/pp_dma_none.c")
	flags+=(-I "$root/lib/core")
	libs=(-lnuma -lhugetlbfs)
	length=64
	;;
checksum)
	sources=("$root/apps/fwd/checksum.c")
	# shellcheck disable=SC2207
	flags=($(pkg-config --cflags libdpdk) "${flags[@]}" -I "$root/apps/fwd")
	libs=($(pkg-config --libs libdpdk))
	length=2048
	;;
pktgen)
	sources=()
	for part in field limit mix place plan plan_file rate reader replay shape; do
		sources+=("$root/apps/pktgen/$part.c")
	done
	# shellcheck disable=SC2207
	flags=($(pkg-config --cflags libdpdk) "${flags[@]}" -I "$root/apps/pktgen")
	libs=(-ljansson -lpcap -lm)
	length=2048
	# From these it gets further than a file's first bytes.
	mkdir "$work/seeds"
	printf '\0{"seed":1,"streams":[{"name":"a","weight":2,"frame":"imix","fields":{"src-ip":"10.0.0.1-10.0.0.9"}}],"limits":{"max_loss":0},"trials":[{"rate":"1kpps","seconds":1}]}' >"$work/seeds/plan"
	printf '\5\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\0\0\4\0\1\0\0\0\1\0\0\0\1\0\0\0\74\0\0\0\74\0\0\0%s' \
		'......------.E..........................................----' >"$work/seeds/pcap"
	printf '\16random:10.0.0.1-10.0.0.9' >"$work/seeds/field"
	printf '\00364:7,594:4,1518:1' >"$work/seeds/mix"
	set -- "$@" "$work/seeds"
	;;
*)
	echo "fuzz.sh: there is no '$noun'" >&2
	exit 2
	;;
esac
clang "${flags[@]}" "$here/fuzz_$noun.c" "${sources[@]}" "${libs[@]}" -o "$work/fuzz"
"$work/fuzz" -max_total_time="${PP_FUZZ_SECONDS:-10}" -max_len=$length \
	-artifact_prefix="$work/" "$@" >"$work/log" 2>&1 || {
	tail -n 60 "$work/log"
	exit 1
}
grep -E '^Done' "$work/log"
