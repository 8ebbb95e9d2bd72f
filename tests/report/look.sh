#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Look: opens the report in a browser and looks at what it shows: by day, at night, on paper and in
# a narrow window; then whether what is planted in it is seen.
# Arguments: the source directory, the build directory, and a program that writes an RFC 2544 file.
set -euo pipefail
source=${1:?the source directory} build=${2:?the build directory} rfc=${3:?test-rfc-output}
here=$source/tests/report
for tool in chromium gnuplot jq pdftotext pdftoppm; do
	command -v $tool >/dev/null || { echo "skipped: no $tool: apt-get install chromium gnuplot-nox jq poppler-utils"; exit 77; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
trap 'kill $(jobs -p) 2>/dev/null; exit 143' TERM INT
fail() {
	echo "$*" >&2
	exit 1
}

"$rfc" "$dir/rfc.json"
bash "$source/tests/perf/report.sh" "$build" --html "$dir/page/index.html" --rfc "$dir/rfc.json" \
	--bench "$here/bench.json" --starve "$here/starve.json" --forward "$here/forward.json" \
	--drivers "$here/drivers.json" >"$dir/said" || fail "no report was written: $(<"$dir/said")"
# What cannot be is said; what fails is said on the page, beside what there is of it.
expect() {
	local want=$1 words=$2 status=0
	shift 2
	bash "$source/tests/perf/report.sh" "$@" >"$dir/said" 2>&1 || status=$?
	[ $status = "$want" ] && grep -qF -e "$words" "$dir/said" ||
		fail "report.sh $*: exits $status, not $want, and does not say '$words': $(tail -n 3 "$dir/said")"
}
failing=$dir/failing/tests/perf/pktpool-bench
mkdir -p "$(dirname "$failing")"
bench_end() { printf '#!/bin/sh\nwhile [ "$1" != --json-extra ]; do shift; done\ncp %s/bench.json "$2"\nexit %d\n' "$here" "$1" >"$failing"; }
bench_end 1
chmod +x "$failing"
expect 1 'failed: bench (exit status 1)' "$dir/failing" --only bench --quick
grep -q 'Not as it should be: bench (exit status 1)' "$dir/failing/report/index.html" &&
	[ "$(grep -c '<figure class="plot"' "$dir/failing/report/index.html")" = 4 ] || fail "a failure is not on the page"
bench_end 3
expect 3 'lacks something' "$dir/failing" --only bench
expect 2 'must be bench' "$dir/failing" --only nothing
expect 2 'has not what the page' "$dir/failing" --rfc /dev/null
expect 2 'has not what the page' "$dir/failing" --bench "$dir/rfc.json"
expect 2 'no such option' "$dir/failing" --page x
expect 3 'cannot be written' "$dir/failing" --html /proc/no/page.html

page=$dir/page/index.html
cp "$page" "$dir/page.html"
# Four patterns, packets and bits, three latencies, a loss, two levels, two devices.
plots=14

# browse SCHEME FILE ARGUMENT...: chromium; scheme 0 is dark, 1 light.
browse() {
	HOME=$dir timeout 90 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--no-first-run --hide-scrollbars --user-data-dir="$(mktemp -d "$dir/profile.XXXXXX")" \
		--window-size=1280,2000 --blink-settings=preferredColorScheme="$1" "${@:3}" "file://$2" \
		2>"$2.browser"
}

# What look.js says of a page FILE.html, in these ways, into FILE.seen.
look() {
	local scheme=$1 modes=$2 file=$3
	{
		cat "$file.html"
		echo "<script>const MODES = [$modes], PLOTS = $plots;"
		cat "$here/look.js"
		echo '</script>'
	} >"$file.$scheme.html"
	browse "$scheme" "$file.$scheme.html" --dump-dom | sed -n \
		'/<pre>LOOK BEGINS/,/^LOOK ENDS/{s/.*LOOK BEGINS/LOOK BEGINS/;s/^LOOK ENDS.*/LOOK ENDS/;s/&gt;/>/g;s/&amp;/\&/g;p}' \
			>"$file.$scheme"
	grep -q '^LOOK ENDS' "$file.$scheme" ||
		echo "the browser did not get to look: $(tail -n 3 "$file.$scheme.html.browser")" >"$file.$scheme.broken"
}

# Where a curve is, for words to be put there.
curve=$(sed -n "/id=\"cycles_contended_plot_1\"/,/<use/s/.*d='M\([0-9.]*,[0-9.]*\).*/\1/p" "$page" | tail -n 1)
[ -n "$curve" ] || fail "no curve found"
# What a careless change to gnuplot's or the page's files would do, all in one page; last, colours
# that are right by day and wrong at night, and on paper.
sed -E "
	/id=\"plot-cycles-hot\"/,/<\/figure>/s/>TSC cycles per buffer</></
	/id=\"plot-cycles-hold\"/,/<\/figure>/s/>buffers a call</>calls</
	/id=\"plot-cycles-pipeline\"/,/<\/figure>/s/<text>stack</<text>other</
	/id=\"plot-throughput\"/,/<\/figure>/{/rotate\(-?[0-9]+/s/translate\([0-9.]+,/translate(-3,/}
	/id=\"plot-bits\"/,/<\/figure>/s/(<text>.*>)frame, bytes with FCS</\1frame, bytes with FCS, and then as many words as do not fit at all into what room a plot has</
	/id=\"plot-loss\"/,/<\/figure>/s/translate\([0-9.]+,[0-9.]+\)(.*text-anchor=\"middle\")/translate(150,200)\1/
	/id=\"plot-cycles-contended\"/,/<\/figure>/s/translate\([0-9.]+,[0-9.]+\)(.*text-anchor=\"middle\")/translate($curve)\1/
	/id=\"plot-level-net_af_xdp\"/,/<\/figure>/s/(id=\"level_net_af_xdp_plot_1\" ><title>)[^<]*/\1another/
	s/<h1>/<img src=\"http:\/\/localhost:1\/x.png\" alt=\"\"><h1>/
	s/<h2>With no buffer left/<h2 style=\"margin-top:-30px\">With no buffer left/
	s/<p>How to get this page/<p style=\"white-space:nowrap;max-width:none\">This line is longer than any window that a reader may have, and nobody has told it where it may be broken, so that its end is seen by nobody who does not scroll to it: how to get this page/
	/prefers-color-scheme/,/^}/{s/--ink: #[0-9a-f]+/--ink: #30363d/;s/--c1: #[0-9a-f]+/--c1: #10251d/}
	/^@media print/,/^}/{s/--(ink|muted|paper|page): #[0-9a-f]+;//g}
	" "$page" >"$dir/planted.html"
! cmp -s "$page" "$dir/planted.html" || fail "nothing was planted"

# Two at a time: a browser starts in a second or two, most of it waiting.
look 1 "'light', 'narrow'" "$dir/page" &
look 0 "'dark', 'print'" "$dir/page" &
wait
look 0 "'dark', 'print'" "$dir/planted" &
browse 0 "$page" --no-pdf-header-footer --print-to-pdf="$dir/page.pdf" >/dev/null &
wait
! cat "$dir"/*.broken 2>/dev/null || exit 1

for scheme in 0 1; do
	[ "$(wc -l <"$dir/page.$scheme")" = 3 ] || fail "$(head -n 40 "$dir/page.$scheme")"
	looked=$(sed -n 's/looked at \([0-9]*\) things/\1/p' "$dir/page.$scheme")
	[ "$looked" -gt 4000 ] || fail "looked at $looked things only"
done

# In whatever theme it is printed: paper stays white, and the words are there, also those in plots.
pdftotext -layout "$dir/page.pdf" "$dir/page.txt"
for words in 'pktpool, measured' 'buffers a call' 'TSC cycles per buffer' 'latency, µs' 'NDR: no loss' \
	'lost, % of what was sent' 'offered load, % of the highest' 'free buffers, the reserve apart' 'Method and machine' 'ring_mp_mc: 20 of 20 pings lost'; do
	grep -qF "$words" "$dir/page.txt" || fail "on paper there is no '$words'"
done
pdftoppm -gray -r 10 "$dir/page.pdf" "$dir/sheet"
for sheet in "$dir"/sheet*.pgm; do
	tail -c +14 "$sheet" | od -An -v -tu1 -w1 | awk '{ n++; light += $1 > 200 } END { exit !(n > 1000 && light > 0.6 * n) }' ||
		fail "on paper $(basename "$sheet") is not white"
done

seen() {
	grep -qE "^$1" "$dir/planted.0" || fail "not seen: $1; only: $(head -n 40 "$dir/planted.0")"
}
seen 'dark: plot-cycles-hot has no words at its y axis'
seen 'dark: plot-cycles-hold: its x axis has no unit'
seen 'dark: plot-cycles-pipeline: "stack" is not in the legend'
seen 'dark: plot-level-net_af_xdp: "another" is not in the legend'
seen 'dark: "thousand packets a second" is cut off'
seen 'dark: "frame, bytes .*" is cut off by its plot'
seen 'dark: ".*" lies over "With no buffer left"|dark: "With no buffer left" lies over'
seen 'dark: "20" lies over "40"'
seen 'dark: plot-cycles-contended: ".*" runs through'
seen 'dark: .* leads out of the page'
seen 'dark: the page is wider than its window'
seen 'dark: ".*" is hard to read'
seen 'dark: plot-cycles-hot: "pktpool" is hard to see'
seen 'print: ".*" is hard to read'
seen 'print: the page itself is'
echo "looked at $looked things; what was planted was seen"
