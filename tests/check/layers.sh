#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Layers: a file of the core includes only what stands before it in this order, and nothing of
# DPDK's; who is outside the core sees its installed headers only.
# Names joined by a plus are on one level.
order="types+fail handle lock sleep+wait pages node region+region_foreign tracts place offset cache buffer dma+devices block deque counters
	store note guard depot queue turn home late owner+empties+refill layout take pressure walk pool+level+inside+facts page attach
	shrink about+holders+out thread tag bulk try effort miss foreign reserve lease mempool+mempool_line+mempool_users+mempool_reserve+mempool_backing slab magazine objcache+objcache_backing+stock+supply+object defer+limbo+filler+settle stats check"
bad=0
complain() {
	echo "$*"
	bad=1
}

declare -A rank
n=0
for level in $order; do
	n=$((n + 1))
	for noun in ${level//+/ }; do rank[pp_$noun]=$n; done
done

for file in lib/core/*.[ch]; do
	me=${file##*/}
	me=${me%.*}
	grep -nHE '^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*[<"]rte_' "$file" &&
		complain "$file: the core does without DPDK"
	[ "$me" != pktpool ] || continue
	[ -n "${rank[$me]:-}" ] || { complain "$file: has no place in the order"; continue; }
	while read -r other; do
		[ -n "${rank[$other]:-}" ] || { complain "$file: $other.h has no place in the order"; continue; }
		[ "${rank[$other]}" -le "${rank[$me]}" ] || complain "$file: $other.h stands above it"
	done < <(sed -nE 's/^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*"(.*)\.h".*/\1/p' "$file")
done

# What meson installs of the core.
public=$(sed -n '/^core_headers = files(/,/^)/p' lib/core/meson.build | grep -oE '[a-z_]+\.h')
reached=$(cc -E -MM -Ilib/core -x c lib/core/pktpool.h)
for header in $public; do
	grep -q "/$header" <<<"$reached" || complain "pktpool.h does not lead to $header"
done
for header in $(grep -oE '[a-z_]+\.h' <<<"$reached" | sort -u); do
	grep -qx "$header" <<<"$public" || complain "pktpool.h leads to $header, which is not installed"
done
while read -r file; do
	while read -r header; do
		# How a library fills pp_error() is for libraries.
		[[ $file == lib/* && $header == pp_fail.h ]] && continue
		# The mempool ops have the core inside, and are the user of one file of it.
		[[ $file == lib/mempool/* && $header == pp_foreign.h ]] && continue
		[ ! -e "lib/core/$header" ] || grep -qx "$header" <<<"$public" ||
			complain "$file: includes $header, which is private to the core"
	done < <(sed -nE 's/^[[:blank:]]*#[[:blank:]]*include[[:blank:]]*[<"](.*)[>"].*/\1/p' "$file")
done < <(find lib apps examples -path lib/core -prune -o -name '*.[ch]' -print)
exit $bad
