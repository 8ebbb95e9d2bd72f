#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Report: measures, or takes what was measured, and writes one page with plots of it.
set -euo pipefail

usage() {
	cat <<-EOT
	usage: report.sh BUILD_DIR [OPTION]...
	  --html FILE      the page; default BUILD_DIR/report/index.html. Plots lie beside it
	  --quick          small samples and short trials: to see that it works
	  --only LIST      of bench,rfc,starve: what is measured if no file is given; default all
	  --bench FILE     instead of measuring: of pktpool-bench --json-extra
	  --rfc FILE       of ./dev run rfc2544 --json
	  --starve FILE    of ./dev run starve --json
	  --forward FILE   of ./dev bench --forward --json
	  --drivers FILE   of ./dev bench --drivers --json
	Exits 1 if a measurement failed (the page says which), 2 on wrong usage, 3 if something is missing.
	EOT
}
complain() { echo "report.sh: $*" >&2; }
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/../net/usage.sh"

html='' only='' quick='' bench='' rfc='' starve='' forward='' drivers=''
usage_read "html only bench rfc starve forward drivers" "quick" "$@"
declare -A input=()
for name in bench rfc starve forward drivers; do
	[ -z "${!name}" ] || input[$name]=${!name}
done
# Files that are given are all there is to be, unless more is asked for.
[ -n "$only" ] || [ ${#input[@]} -gt 0 ] || only=bench,rfc,starve
for part in ${only//,/ }; do
	case $part in
	bench | rfc | starve) ;;
	*) usage_fail "--only $part: must be bench, rfc or starve" ;;
	esac
done

parts=$HERE/report
usage_build
html=${html:-$BUILD/report/index.html}
for tool in gnuplot jq; do
	command -v $tool >/dev/null || { complain "no $tool here: apt-get install gnuplot-nox jq"; exit 3; }
done
mkdir -p "$(dirname "$html")" 2>/dev/null && : 2>/dev/null >"$html" ||
	{ complain "--html $html: cannot be written"; exit 3; }
beside=$(cd "$(dirname "$html")" && pwd)
TMP=$(mktemp -d)
child=
trap 'rm -rf "$TMP"' EXIT
trap '[ -z "$child" ] || kill -TERM "$child" 2>/dev/null && wait "$child"; exit 143' TERM INT

# Whether a file has what the page makes plots of.
usable() {
	local wanted
	case $1 in
	bench) wanted='(.rows | length > 0) and (.tails | length > 0)' ;;
	rfc) wanted='.rows | any(.throughput)' ;;
	starve) wanted='.runs | any(.level | length > 1)' ;;
	forward) wanted='any(.mpps)' ;;
	*) wanted='length > 0' ;;
	esac
	jq -es "length == 1 and (.[0] | $wanted)" "$2" >/dev/null 2>"$TMP/error"
}
for name in "${!input[@]}"; do
	usable "$name" "${input[$name]}" || {
		complain "--$name ${input[$name]}: has not what the page is made of: $(tail -n 1 "$TMP/error")"
		exit 2
	}
done

# A command that writes $TMP/$1.json; what fails is said on the page.
failed=
measure() {
	local name=$1 status=0
	shift
	[[ ,$only, == *,$name,* ]] && [ -z "${input[$name]:-}" ] || return 0
	echo "== measuring: $name"
	"$@" &
	child=$!
	wait "$child" || status=$?
	child=
	[ $status != 3 ] || { complain "$name: the machine lacks something: see above"; exit 3; }
	[ $status = 0 ] || failed="$failed${failed:+, }$name (exit status $status)"
	! usable "$name" "$TMP/$name.json" || input[$name]=$TMP/$name.json
}
measure bench "$BUILD/tests/perf/pktpool-bench" --no-plot --size 16K ${quick:+--quick} \
	--json-extra "$TMP/bench.json"
measure rfc bash "$HERE/../net/rfc2544.sh" "$BUILD" ${quick:+--quick} --json "$TMP/rfc.json"
measure starve bash "$HERE/../net/starve.sh" "$BUILD" ${quick:+--seconds 1} --json "$TMP/starve.json"

# What a library of jq's says of an input.
ask() {
	jq -r -L "$parts" "${@:3}" "include \"$1\"; $2" "${input[$input_name]}"
}
has() { [ -n "${input[$1]:-}" ]; }

# gnuplot's colours become the page's: #rrggbb of common.gp, and the variable of that name.
colours() {
	sed -nE "s/'#/'/g; s/; /\n/gp; t; /= '/p" "$parts/common.gp" |
		sed -nE "s/^([a-z0-9]+) = '([0-9a-f]{6})'.*/\1 \2/p"
}
recolour=$(colours | while read -r name hex; do
	printf 's/rgb\\( *%d, *%d, *%d\\)/var(--%s)/g\n' 0x${hex:0:2} 0x${hex:2:2} 0x${hex:4:2} "$name"
done)
[ "$(wc -l <<<"$recolour")" -ge 10 ] || { complain "no colours found in common.gp"; exit 3; }

# plot SCRIPT NAME HEIGHT 'gnuplot assignments' TITLE WORDS: an SVG and a PNG beside the page, and
# the SVG in it.
plot() {
	local script=$1 name=$2 height=$3 assign=$4 title=$5 words=$6 format
	for format in svg png; do
		gnuplot -e "common='$parts/common.gp'; format='$format'; out='$beside/$name.$format'; name='${name//-/_}'; height=$height; $assign" \
			"$parts/$script.gp" >"$TMP/gnuplot" 2>&1 || {
			complain "gnuplot could not draw $name: $(tail -n 3 "$TMP/gnuplot")"
			exit 1
		}
	done
	# Names within one page must differ; filters of gnuplot's that nothing uses may go.
	sed -E -e "$recolour" -e '/<filter /,/<\/filter>/d' -e '/^<\?xml/d' -e '/^<desc>/d' \
		-e "s/(id='|#)gp/\1$name-gp/g; s/gnuplot_canvas/$name-canvas/; s/color=\"black\"/color=\"var(--ink)\"/; s/fill=\"black\"/fill=\"var(--ink)\"/" \
		-e "s/ +(<\/tspan>)/\1/; s/(<tspan[^>]*>) +/\1/" "$beside/$name.svg" >"$TMP/$name.svg"
	# Alone it has to bring the colours itself, and its title.
	{
		sed -n '1,/^>$/p' "$TMP/$name.svg"
		echo '<style>'
		sed -n '/^:root {/,/^}/p; /^@media (prefers/,/^}/p' "$parts/style.css"
		echo 'svg { background: var(--paper); }</style>'
		sed '1,/^>$/d' "$TMP/$name.svg"
	} >"$beside/$name.svg"
	printf '<figure class="plot" id="plot-%s"><figcaption><b>%s</b>%s</figcaption>\n' "$name" "$title" "$words"
	cat "$TMP/$name.svg"
	echo '</figure>'
}

insert() { cat >"$TMP/insert-$1"; }
include() { : >"$TMP/if-$1"; }
item() { while read -r line; do echo "<li>$line</li>"; done; }
: >"$TMP/short"

if has bench; then
	input_name=bench
	include bench
	for pattern in hot hold pipeline contended; do
		ask figures "cycles(\"$pattern\")" >"$TMP/$pattern.tsv"
		floor='floor: ideal LIFO'
		case $pattern in
		hot) words='get n, put n: a packet leaves before the next comes' ;;
		hold) words='get n until thousands are held, then put them: rings, queues' ;;
		pipeline) words='one lcore gets, a ring, another puts' floor='floor: ring alone' ;;
		contended) words='two lcores run hold at once' ;;
		esac
		plot cycles "cycles-$pattern" 380 "data='$TMP/$pattern.tsv'; floor='$floor'" "$pattern" "$words"
	done | insert plots-cycles
	ask tables cycles_table | insert table-cycles
	ask tables tails_table | insert table-tails
	ask tables bench_short | item >>"$TMP/short"
fi
if has rfc; then
	input_name=rfc
	include rfc
	ask figures throughput >"$TMP/throughput.tsv"
	{
		plot throughput throughput 380 "data='$TMP/throughput.tsv'; unit='thousand packets a second'; from=2" \
			'Packets' 'thousands a second over the frame size'
		plot throughput bits 380 "data='$TMP/throughput.tsv'; unit='Gbit/s, with preamble and gap'; from=6" \
			'Bits' 'the same in Gbit/s on a wire'
	} | insert plots-throughput
	ask tables throughput_table | insert table-throughput
	ask tables method_words | sed 's|.*|<p class="muted">&</p>|' | insert rfc-method
	for frame in $(ask figures latency_frames); do
		include latency
		ask figures "latency($frame)" >"$TMP/latency-$frame.tsv"
		plot latency "latency-$frame" 380 "data='$TMP/latency-$frame.tsv'" \
			"Frames of $frame bytes" 'percentiles over the load'
	done | insert plots-latency
	ask tables latency_table | insert table-latency
	frames=$(ask figures loss_frames)
	if [ -n "$frames" ]; then
		include loss
		ask figures loss >"$TMP/loss.tsv"
		plot loss loss 400 "data='$TMP/loss.tsv'; frames='$frames'" 'Loss over the load' \
			'from 100% down, until two loads lose nothing' | insert plots-loss
	fi
	if [ "$(ask figures '[.rows[].back_to_back // empty] | length')" -gt 0 ]; then
		include bursts
		ask tables bursts_table | insert table-bursts
	fi
	ask tables rfc_short | item >>"$TMP/short"
fi
if has starve; then
	input_name=starve
	include starve
	for device in $(ask figures starve_devices); do
		ask figures "level(\"$device\")" >"$TMP/level-$device.tsv"
		plot level "level-$device" 430 "data='$TMP/level-$device.tsv'; runs=$(ask figures "starve_runs(\"$device\") | length"); names='$(ask figures "starve_names(\"$device\")")'" \
			"Free buffers on $device" 'each run from its forwarder’s beginning'
	done | insert plots-level
	ask tables starve_table | insert table-starve
	ask tables starve_short | item >>"$TMP/short"
fi
if has forward; then
	input_name=forward
	include forward
	while IFS= read -r device <&3; do
		name=forward-${device// /-}
		who=$(ask figures "forward_who(\"$device\") | join(\"\t\")")
		ask figures "forward(\"$device\")" >"$TMP/$name.tsv"
		plot forward "$name" 400 "data='$TMP/$name.tsv'; who='$who'; n=$(tr '\t' '\n' <<<"$who" | wc -l)" \
			"$device" "frames of $(ask figures "forward_frame(\"$device\")") bytes; more is better"
	done 3< <(ask figures forward_devices) | insert plots-forward
	ask tables forward_table | insert table-forward
fi
if has drivers; then
	input_name=drivers
	include drivers
	ask tables 'forward_table, ops_table' | insert table-drivers
fi

insert short <"$TMP/short"
insert style <"$parts/style.css"
now=$(date -u '+%e %B %Y, %H:%M UTC')
version=$(git -C "$HERE" describe --always --dirty 2>/dev/null || echo 'no git tree')
input_name=bench
[ -n "${input[bench]:-}" ] || input_name=rfc
machine=$(has $input_name && ask tables '.machine // {} | machine_words' || true)
[ -n "$machine" ] || machine="$(uname -sr); $(nproc) CPUs"
insert about <<<"<p class=\"muted\">A packet-buffer pool on hugepages for DPDK.${now:+ }$now${quick:+. <b>Measured quickly, to see that it works: not to be quoted.</b>}</p>"
insert machine <<<"<p>$machine. gnuplot: $(gnuplot --version | cut -d' ' -f2-). Tree: $version. $([ -n "$only" ] && echo 'Measured by the run that made this page.' || echo 'Made of files that earlier runs had left.')</p>"
insert footer <<<"pktpool $version, $now"
[ -z "$failed" ] || insert failed <<<"<p class=\"failed\">Not as it should be: $failed. What there is of it stands below.</p>"

# Sections whose figures are not there go, and files come in where they belong.
awk -v dir="$TMP" '
	function there(name, line) { return (getline line <(dir "/" name)) >= 0 }
	{
		while (match($0, /<!-- (if: [a-z]+|end) -->/)) {
			mark = substr($0, RSTART + 5, RLENGTH - 9)
			if (shown()) printf "%s", substr($0, 1, RSTART - 1)
			$0 = substr($0, RSTART + RLENGTH)
			if (mark == "end") depth--
			else on[++depth] = there("if-" substr(mark, 5))
			if ($0 == "") next
		}
		if (!shown()) next
		if (match($0, /<!-- insert: [a-z0-9-]+ -->/)) {
			file = dir "/insert-" substr($0, RSTART + 13, RLENGTH - 17)
			while ((getline line <file) > 0) print line
			next
		}
		print
	}
	function shown(i) { for (i = 1; i <= depth; i++) if (!on[i]) return 0; return 1 }
	' "$parts/page.html" >"$html" || { complain "$html: could not be written"; exit 1; }
echo "Written: $html"
[ -z "$failed" ] || { complain "failed: $failed"; exit 1; }
