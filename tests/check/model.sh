#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Model: spin looks at every state of each model in tests/model; each mutant that the model names
# must fail, or the model proves nothing. Arguments: the models, all of them without any.
cd "$(dirname "$0")/../.." || exit 3
models=tests/model
for tool in spin gcc; do
	command -v $tool >/dev/null || { echo "skipped: $tool is not installed"; exit 0; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export dir models

# A model with these definitions: one line that says how it ended, and where it is not as it
# should be, why.
run() {
	local want=$1 model=$2 name="${*:2}" at out end level states
	# Mutants fail early: building them takes longer than running them.
	level=-O0
	[ "$want" = fails ] || level=-O2
	at=$(mktemp -d "$dir/XXXXXX")
	cp $models/*.pml "$at" && cd "$at" || return 3
	if ! out=$(spin -a $(printf -- '-D%s ' "${@:3}" | sed 's/-D //') "$model.pml" 2>&1) ||
		grep -q 'Error' <<<"$out" ||
		! out=$(gcc $level -w -DSAFETY -DCOLLAPSE -o pan pan.c 2>&1); then
		printf 'FAILED %s: does not build\n%s\n' "$name" "$out"
		return 1
	fi
	# No deeper than -m: a longer path would be an incomplete search, and is said to be one.
	out=$(timeout 300 ./pan -m100000 -w24 2>&1)
	end=$(sed -nE 's/^pan:1: (assertion violated|invalid end state).*/\1/p' <<<"$out")
	if grep -q 'Search not completed\|max search depth too small' <<<"$out" && [ -z "$end" ]; then
		end="not all states seen"
	elif ! grep -q 'errors: ' <<<"$out"; then
		end="did not end"
	fi
	rm -rf "$at"
	states=$(sed -nE 's/^ *([0-9.e+]+) states, stored.*/\1/p' <<<"$out")
	case $want:$end in
	holds:) echo "$name: holds in all $states states" ;;
	fails:assertion*|fails:invalid*) echo "$name: fails, as it must: $end" ;;
	fails:) echo "FAILED $name: nothing found in all $states states"; return 1 ;;
	*) printf 'FAILED %s: %s\n%s\n' "$name" "$end" "$(grep -m 1 '^pan:' <<<"$out")"; return 1 ;;
	esac
}
export -f run

[ $# -gt 0 ] || set -- $(grep -l '^init' $models/*.pml | xargs -rn 1 basename -s .pml)
[ $# -gt 0 ] || { echo "no models in $models"; exit 1; }
for model in "$@"; do
	file=$models/$model.pml
	[ -r "$file" ] || { echo "no model $file"; exit 2; }
	echo "holds $model"
	sed -nE "s/^ \* VARIANT ([A-Z_]+) .*/holds $model \1/p" "$file"
	mutants=$(sed -nE "s/^ \* MUTANT ([A-Z_]+(\+[A-Z_]+)?) .*/fails $model \1/p" "$file" | tr + ' ')
	[ -n "$mutants" ] || { echo "$file: names no mutants"; exit 1; }
	echo "$mutants"
done >"$dir/list" || { cat "$dir/list"; exit 1; }
xargs -P "$(nproc)" -I{} bash -c 'run {}' <"$dir/list"
