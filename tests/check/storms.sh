#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Storms: each finds the mistake that is planted for it in a copy of the core.
# A storm that lets its mistake pass proves nothing when it is quiet.
cd "$(dirname "$0")/../.." || exit 3
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
trap 'exit 143' TERM
export ASAN_OPTIONS=detect_leaks=0 PP_STRESS_SECONDS=4

flags="-O2 -std=gnu11 -march=x86-64-v2 -D_GNU_SOURCE= -w -pthread -Ilib/core -Itests/unit -Itests/stress"
compile() { cc $flags -c "$1" -o "$2"; }
echo 'int main(void) { return 0; }' >"$copy/x.c"
cc "$copy/x.c" -o "$copy/x" -lcmocka -lnuma -lhugetlbfs 2>/dev/null ||
	{ echo "skipped: no cc, or cmocka, libnuma or libhugetlbfs to build with"; exit 77; }

mkdir "$copy/core" "$copy/tests"
export -f compile
export flags
ls lib/core/*.c | xargs -P 2 -I{} bash -c 'compile {} '"$copy"'/core/$(basename {} .c).o' || exit 3
for c in tests/unit/support.c tests/unit/{recorder,shelf,grace}.c tests/stress/*.c; do
	# This one needs DPDK.
	case $c in *defer*) continue ;; esac
	echo "$c"
done | xargs -P 2 -I{} bash -c 'compile {} '"$copy"'/tests/$(basename {} .c).o' || exit 3

# What a storm is linked of, apart from the core.
declare -A parts=(
	[storm_take]="storm_take storm support" [storm_try]="storm_try storm_hands storm support"
	[storm_wait]="storm_wait storm_rule storm_seats storm support"
	[storm_deadline]="storm_deadline storm support shelf grace"
	[storm_reserve]="storm_reserve storm support"
	[storm_objcache]="storm_objcache storm support"
	[model]="model model_calls model_forms model_rules model_beside model_refuser recorder support"
)

bad=0 proved=0
# What is planted, where (a sed script that must change something), and who must find it.
plant() {
	local what=$1 file=$2 script=$3 storm part objects found
	shift 3
	sed -E "$script" "lib/core/$file" >"$copy/$file"
	if cmp -s "lib/core/$file" "$copy/$file" || ! compile "$copy/$file" "$copy/planted.o"; then
		echo "could not plant: $what"
		bad=1
		return
	fi
	for storm in "$@"; do
		objects=
		for part in ${parts[$storm]}; do objects+=" $copy/tests/$part.o"; done
		cc $flags $objects "$copy/planted.o" \
			$(ls "$copy"/core/*.o | grep -v "/${file%.c}.o") \
			-o "$copy/storm" -lcmocka -lnuma -lhugetlbfs || { bad=1; continue; }
		found=0
		# Luck has a part in it, less where threads must be at it in the same nanoseconds
		# on CPUs that others use, too.
		for try in 1 2 3 4 5 6; do
			(timeout -k 1 30 "$copy/storm"; exit $?) >"$copy/said" 2>&1
			case $? in 0 | 77 | 124 | 137) ;; *) found=1; break ;; esac
		done
		if [ $found = 1 ]; then
			proved=$((proved + 1))
		else
			echo "not found by $storm: $what"
			bad=1
		fi
	done
	rm "$copy/$file"
}

plant "no barrier before a take" pp_take.c 's/^\tsyscall\(SYS_membarrier,$/\tif (0)\n&/' \
	storm_take storm_try
plant "a barrier for one process only" pp_take.c 's/atomic_load\(&store->shared->multi\)/false/' \
	storm_take
plant "a handler that leaves its limits open" pp_try.c \
	'/^static bool own_close/,/^\}/s/^\treturn /\treturn true || /' storm_try
plant "a handler that takes its thread for idle" pp_try.c \
	'/^static bool own_begin/,/^\}/s/^\tif \(/\tif (0 \&\& /' storm_try
plant "ordinary waiters before critical ones" pp_turn.c \
	's/(queue_first\(store), true\)/\1, none)/; s/(queue_first\(store), false\)/\1, true)/; s/, none\)/, false)/' \
	storm_wait
plant "a deadline that comes early" pp_sleep.c \
	's/pp_sleep_now\(\) >= wait->deadline/pp_sleep_now() + 500000 >= wait->deadline/' storm_deadline
plant "a deadline that comes two ticks late" pp_sleep.c \
	's/until = wait->deadline;/until = wait->deadline + 8000000;/' storm_deadline
plant "a draw that is not marked" pp_home.c 's/^\t\thome_mark\(/\t\tif (0)\n&/' storm_reserve model
plant "a draw of who is not critical" pp_effort.c \
	's/if \(got < n && flags & PP_CRITICAL\)/if (got < n \&\& flags)/' storm_reserve
plant "no barrier before magazines are taken" pp_magazine.c \
	'/J3: every/,/syscall/s/^\tsyscall\(/\tif (0)\n&/' storm_objcache

echo "$proved storms found what was planted"
exit $bad
