#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Fuzz: builds one fuzzer with clang (libFuzzer, ASan, UBSan) and lets it run for
# PP_FUZZ_SECONDS (10). Usage: fuzz.sh attach|checksum [libFuzzer's arguments]
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
