#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Shape: every file names its licence, every C file its noun; nothing half done is left in.
# More than 400 lines is only said: the file may be two nouns. A driver has less than 500 beside what
# drivers share and what knows its device.
bad=0
complain() {
	echo "$*"
	bad=1
}

while read -r file; do
	line=1
	[[ $(head -c 2 "$file") == '#!' ]] && line=2
	sed -n "${line}p" "$file" | grep -q 'SPDX-License-Identifier: BSD-3-Clause' ||
		complain "$file:$line: no SPDX-License-Identifier: BSD-3-Clause"
	grep -nE '[[:blank:]]$' "$file" | head -n 1 | grep -q . && complain "$file: blanks at a line's end"
	[ -z "$(tail -c 1 "$file")" ] || complain "$file: no newline at the end"
	case $file in
	*.[ch])
		sed -n 2p "$file" | grep -qE '^/\* [A-Z][A-Za-z0-9 -]*: ' ||
			complain "$file:2: does not say which noun the file is (/* Noun: ... */)"
		grep -nHE '\b(TO''DO|FIX''ME|XX''X|HA''CK)\b' "$file" && complain "$file: unfinished"
		lines=$(wc -l <"$file")
		[ "$lines" -le 400 ] || echo "warning: $file has $lines lines: is it one noun?"
		;;
	esac
done < <(find . -path './.git' -prune -o -path './build*' -prune -o -type f \
	! -name LICENSE ! -name '*.md' ! -name '*.svg' ! -name '*.json' ! -name .gitignore -print | sort)
for driver in lib/pmd/net_pp_*.h; do
	lines=$(cat "${driver%.h}"*.[ch] | wc -l)
	[ "$lines" -lt 500 ] || complain "${driver%.h}: $lines lines: drivers are small, under 500"
done
exit $bad
