#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Docs: every exported call, parameter and counter has its place in a man page, a program's page has
# what its --help says, doc/ordering.md has the code's labels, and no link is dead.
# Arguments: the source directory, pktpool-fwd and pktpool-pktgen.
cd "${1:?the source directory}" || exit 3
fwd=${2:?pktpool-fwd} pktgen=${3:?pktpool-pktgen}
bad=0 looked=0
complain() {
	echo "$*"
	bad=1
}
# Says what is missing where, unless the pattern is found there.
want() {
	looked=$((looked + 1))
	grep -qE -e "$2" "${@:3}" || complain "$1"
}

installed=$(for file in lib/core/meson.build lib/dma/meson.build lib/dpdk/meson.build; do
	grep -ohE "'[a-z_]+\.h'" $file | tr -d "'" | sed "s|^|${file%/*}/|"
done)
[ -n "$installed" ] || complain "no installed header is known"

# Calls: exported ones, and the inlined ones that a user writes.
calls=$(cat $installed | tr '\n' ' ' | sed 's/PP_API/\n&/g; s/$/\n/' | sed -nE \
	's/^PP_API [^;(]*[ *](pp_[a-z0-9_]+)(\(| *;|[[:blank:]]+__attr).*/\1/p; s/^PP_API [^;(]*\(\*(pp_[a-z0-9_]+)\).*/\1/p'
	sed -nE 's/^static inline [a-z ]*\*?(pp_[a-z0-9_]+)\(.*/\1/p' lib/core/pp_bulk.h)
[ "$(wc -l <<<"$calls")" -gt 40 ] || complain "only $(wc -l <<<"$calls") calls found in the headers"
for call in $calls; do
	want "$call: in no man page" "^\..*\b$call\b" doc/man/*.3
done
# Every name of a page can be asked for.
for page in doc/man/*.3; do
	for name in $(sed -n '/^\.Sh NAME/,/^\.Nd/s/^\.Nm \([a-z_0-9]*\).*/\1/p' "$page"); do
		want "$name: of $page, but no link in doc/meson.build" "'$name'" doc/meson.build
	done
done

members() {
	sed -n "/^struct $2 {/,/^}/p" "$1" | sed -E 's|/\*.*||; s/;.*//' |
		grep -oE '[a-z_]+(, *[a-z_]+)*$' | tr -d ',' | tr ' ' '\n' | grep .
}
for pair in pp_pool.h:pp_pool_params:pp_pool_create pp_stats.h:pp_stats:pp_pool_stats \
	pp_counters.h:pp_counters:pp_pool_stats; do
	IFS=: read -r header struct page <<<"$pair"
	names=$(members lib/core/$header $struct)
	[ -n "$names" ] || complain "$struct: no members found"
	for name in $names; do
		want "$struct.$name: not in $page.3" "^\.It Va (.* )?$name( |\$)" doc/man/$page.3
	done
done
for name in $(members lib/dpdk/pp_pktmbuf.h pp_pktmbuf_params); do
	want "pp_pktmbuf_params.$name: not in its page" "^\.It Va (.* )?$name( |\$)" \
		doc/man/pp_pktmbuf_pool_create.3
done

codes=$(sed -n '/^enum app_exit/,/^}/s/.*= \([0-9]\),.*/\1/p' apps/common/app.h)
[ -n "$codes" ] || complain "no exit codes found in apps/common/app.h"
# A program, its page, and others where some of its options are.
program_check() {
	local program=$1 page=$2 help options option code
	shift
	help=$("$program" --help) || complain "$program --help fails"
	options=$(grep -oE '^ +(-.,)? +--[a-z-]+' <<<"$help" | grep -oE '[a-z][a-z-]+$')
	[ "$(wc -l <<<"$options")" -gt 5 ] || complain "$program --help lists no options"
	for option in $options; do
		want "--$option: not in $*" "^\.It (.* , )?Fl -$option( |\$)" "$@"
	done
	for option in $(grep -ohE '^\.It (.* , )?Fl -[a-z-]+' "$@" | grep -oE '[a-z][a-z-]+$'); do
		want "--$option: in $*, not in --help" "^ +(-.,)? +--$option\b" <(cat <<<"$help")
	done
	for code in $codes; do
		want "exit status $code: not in $page" "^\.It $code\$" <(sed -n '/^\.Sh EXIT/,$p' $page)
	done
}
program_check "$fwd" doc/man/pktpool-fwd.1
program_check "$pktgen" doc/man/pktpool-pktgen.1 doc/man/pktpool-rfc2544.7

# Barriers: labelled in a comment, and listed by that label.
labels() { grep -rhoE '(/\*|^[[:blank:]]*\*) [A-Z][0-9](:|,| \*/)' lib | grep -oE '[A-Z][0-9]' | sort -u; }
for label in $(labels); do
	want "$label: a barrier of the code, not in doc/ordering.md" "\b$label\b" doc/ordering.md
done
for label in $(grep -oE '^\| [A-Z][0-9]' doc/ordering.md | grep -oE '[A-Z][0-9]' | sort -u); do
	want "$label: in doc/ordering.md, not in the code" "\b$label\b" -r lib --include=*.[ch]
done

for file in README.md doc/*.md; do
	for link in $(grep -oE '\]\([^):#]+\)' "$file" | tr -d '()]'); do
		looked=$((looked + 1))
		[ -e "$(dirname "$file")/$link" ] || complain "$file: leads to $link, which is not there"
	done
	# A test that is named exists.
	for name in $(grep -ohE '\btest_[a-z0-9_]+' "$file" | sort -u); do
		want "$file: names $name, which is no test" "\b$name\b" -r tests --include=*.[ch]
	done
done
echo "$looked things looked for"
exit $bad
