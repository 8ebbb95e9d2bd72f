#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Variants: builds and tests the tree plain, with ASan and UBSan, and with TSan (or those named),
# and counts over all; the last line is the sum.
cd "$(dirname "$0")/../.." || exit 3
[ $# -gt 0 ] || set -- plain asan tsan
# Ended from outside: meson has the signal too, and stops its tests.
trap 'exit 143' TERM

supp=$PWD/tests/check
export LSAN_OPTIONS="suppressions=$supp/lsan.supp:print_suppressions=0"
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions=$supp/tsan.supp"
# setarch: TSan's shadow does not fit all the places that a random layout picks.
declare -A directory=([plain]=build [asan]=build-asan [tsan]=build-tsan)
# Enough for lines in what they print, in half the time.
traced="-Doptimization=1 -Ddebug=false -Dc_args=-g1"
declare -A setup=(
	[plain]=-Dwerror=true
	[asan]="-Db_sanitize=address,undefined -Db_lundef=false $traced"
	[tsan]="-Db_sanitize=thread -Db_lundef=false $traced"
)
declare -A which=(
	[plain]=
	[asan]="--no-suite check --no-suite guest --no-suite fuzz --no-suite plain --timeout-multiplier 4"
	[tsan]="--suite tsan --timeout-multiplier 8 --wrapper 'setarch -R'"
)

# What to build: all, or what the tests of the suite need.
targets() {
	[ $1 = tsan ] || return 0
	meson introspect --tests --targets "${directory[$1]}" | jq -r --arg here "$PWD/${directory[$1]}/" '
		([.tests[] | select(.suite | any(endswith(":tsan"))) | .depends[]] | unique) as $wanted |
		.targets[] | select(.id | IN($wanted[])) | .filename[0][($here | length):]'
}

results=$(mktemp)
# EAL leaves a directory for each process: elsewhere than those that are not ours.
if [ "$(id -u)" = 0 ]; then
	RUNTIME_DIRECTORY=$(mktemp -d /run/pktpool-test.XXXXXX)
	export RUNTIME_DIRECTORY
fi
trap 'rm -rf "$results" ${RUNTIME_DIRECTORY:+"$RUNTIME_DIRECTORY"}' EXIT
given=${PP_STRESS_SECONDS:-}
for variant in "$@"; do
	dir=${directory[$variant]:-}
	# As long as storms.sh gives each to find its mistake; sanitizers see what they see at once.
	seconds=4
	[ "$variant" = plain ] || seconds=2
	export PP_STRESS_SECONDS=${given:-$seconds}
	[ -n "$dir" ] || { echo "variants: there is no '$variant' (plain asan tsan)" >&2; exit 2; }
	echo "== $variant"
	mkdir -p "$dir"
	rm -f "$dir"/meson-logs/testlog*.json
	if { [ -e "$dir/build.ninja" ] || meson setup "$dir" ${setup[$variant]}; } >"$dir/dev.log" 2>&1 &&
		ninja -C "$dir" --quiet $(targets $variant) >>"$dir/dev.log" 2>&1; then
		eval meson test -C "$dir" --no-rebuild --print-errorlogs ${which[$variant]}
		cat "$dir"/meson-logs/testlog*.json 2>/dev/null |
			jq -c --arg variant $variant '{variant: $variant, name, result,
				last: ((.stdout // "") + "\n" + (.stderr // "") | rtrimstr("\n") | split("\n")
				| map(select(test("\\S"))) | last // "no reason given")}' >>"$results"
	else
		tail -n 40 "$dir/dev.log"
		echo "{\"variant\":\"$variant\",\"name\":\"the build\",\"result\":\"ERROR\"}" >>"$results"
	fi
done

jq -rs '
	def is(names): .result as $r | names | index($r) != null;
	map(. + {kind: (if is(["OK", "EXPECTEDFAIL"]) then "passed"
		elif is(["SKIP"]) then "skipped" else "failed" end)}) as $all |
	($all[] | select(.kind == "skipped") | "skipped: \(.variant): \(.name): \(.last)"),
	($all[] | select(.kind == "failed") | "failed: \(.variant): \(.name): \(.result)"),
	([("passed", "failed", "skipped") as $k | "\($all | map(select(.kind == $k)) | length) \($k)"]
		| join(", "))' "$results" | tee "$results.said"
sum=$(tail -n 1 "$results.said")
rm -f "$results.said"
# Nothing passed is no success either.
[[ $sum == *" 0 failed,"* && $sum != "0 passed"* ]]
