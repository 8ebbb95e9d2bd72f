#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Fastpath: what the inlined hits are made of: no locked instruction, no fence, no call but to the
# miss and the copy; and how many instructions each has, all of its code counted. With the compiler
# that they were counted with they must be as many as then; another one may need more or fewer.
# Argument: the source directory.
cd "${1:?the source directory}" || exit 3
for tool in cc objdump; do
	command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat >"$dir/hits.c" <<'CODE'
#include <pktpool.h>
void *alloc_1(struct pp_cache *c) { return pp_alloc(c, 0); }
void free_1(struct pp_cache *c, void *b) { pp_free(c, b); }
unsigned alloc_8(struct pp_cache *c, void **b) { return pp_alloc_bulk(c, b, 8, 0); }
void free_8(struct pp_cache *c, void **b) { pp_free_bulk(c, b, 8); }
unsigned alloc_32(struct pp_cache *c, void **b) { return pp_alloc_bulk(c, b, 32, 0); }
void free_32(struct pp_cache *c, void **b) { pp_free_bulk(c, b, 32); }
unsigned critical_8(struct pp_cache *c, void **b) { return pp_alloc_bulk(c, b, 8, PP_CRITICAL); }
CODE
cc -O3 -march=x86-64-v2 -std=gnu11 -D_GNU_SOURCE= -Ilib/core -c "$dir/hits.c" -o "$dir/hits.o" || exit 1
objdump -dr --no-show-raw-insn "$dir/hits.o" >"$dir/code"
bad=0
counted=0
declare -A once=([alloc_1]=25 [free_1]=18 [alloc_8]=45 [free_8]=37 [alloc_32]=31 [free_32]=25
	[critical_8]=45)
compiler=$(cc --version | head -n 1)
while read -r name count; do
	echo "$name: $count instructions"
	counted=$((counted + 1))
	[[ $compiler == *"(Debian 12."* && $count != "${once[$name]}" ]] || continue
	echo "$name had ${once[$name]} instructions when it was last counted with $compiler"
	bad=1
done < <(awk '/>:$/ {if (n) print n, c; n = substr($2, 2, length($2) - 3); c = 0; next}
	/^ +[0-9a-f]+:\t/ && !/R_X86/ && !/\tnop|\tdata16|\txchg +%ax,%ax|\tcs nop/ {c++} END {print n, c}' "$dir/code")
[ $counted = 7 ] || { echo "found $counted functions of 7"; bad=1; }
if grep -E '\block\b|[lms]fence|\bxchg +[^,]*\(|\bsyscall\b' "$dir/code"; then
	echo "a hit has one of these"
	bad=1
fi
calls=$(grep -oE 'R_X86_64_[A-Z0-9]+[[:space:]]+[a-z_]+' "$dir/code" | awk '{print $2}' | sort -u)
for call in $calls; do
	case $call in
	pp_cache_get_miss | pp_cache_put_miss | pp_offset_in_many | pp_offset_out_many) ;;
	*) echo "a hit knows $call"; bad=1 ;;
	esac
done
[ -n "$calls" ] || { echo "no calls found"; bad=1; }
exit $bad
