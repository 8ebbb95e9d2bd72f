# SPDX-License-Identifier: BSD-3-Clause
# Tables: the report's figures in rows of HTML, and what is said of them in words.
include "figures";

def tag(name): "<\(name)>" + . + "</\(name)>";
# With as many places as make three figures, kept where they are noughts.
def places(n): . as $x | pow(10; n) as $p | ($x * $p | round) as $r | ($r / $p | floor) as $whole
	| if n == 0 then "\($r)" else "\($whole)." + ("\($r - $whole * $p)" | (n - length) * "0" + .) end;
def digits: if . == null then "–" elif . == 0 then "0" elif . < 0 then "-" + (- . | digits)
	elif . >= 100 then places(0) elif . >= 10 then places(1) elif . >= 0.1 then places(2)
	else places(4) end;
def show: if type == "number" and . == floor then tostring elif . == null then "–"
	elif type == "number" then digits else tostring | @html end;
# Of rows that are arrays; the first is the head.
def table:
	.[0] as $head | .[1:] as $rows
	| "<div class=\"scroll\"><table><thead>"
	+ ($head | map(tostring | @html | "<th scope=\"col\">" + . + "</th>") | add | tag("tr"))
	+ "</thead><tbody>"
	+ ($rows | map(map(show | tag("td")) | add | tag("tr")) | add // "") + "</tbody></table></div>";

def cycles_table:
	[["pattern", "buffers a call", "pktpool", "ring_mp_mc", "times", "stack", "times", "floor"]]
	+ [("hot", "hold", "pipeline", "contended") as $pattern | burst_cells($pattern)[]
		| [$pattern, .burst, .pktpool, .ring,
			(if .ring and .pktpool then .ring / .pktpool else null end), .stack,
			(if .stack and .pktpool then .stack / .pktpool else null end), .floor]]
	| table;
def tails_table:
	[["one burst of 32", "median, cycles", "p99", "p99.9"]]
	+ [.tails[] | select(.op == "both") | [.peer, .p50, .p99, .["p99.9"]]] | table;

def percent: "\(100 * . | digits)%";
def throughput_table:
	[["frame, bytes", "offered, kpps", "MRR, kpps", "lost at 100%", "PDR, kpps", "NDR, kpps",
		"of 100%", "NDR, Gbit/s", "trials", "remarks"]]
	+ [.rows[] | select(.throughput) | .ndr as $n
		| [.frame, .max_pps / 1e3, .mrr.pps / 1e3, (.mrr.loss | percent), .pdr.pps / 1e3,
			$n.pps / 1e3, "\($n.percent | digits)%", $n.bps_l1 / 1e9, $n.trials,
			([if $n.fails_below_at_pps then "also lost at \($n.fails_below_at_pps / 1e3 | digits) kpps" else empty end,
			  if $n.noisy_loads > 0 then "noisy at \($n.noisy_loads) of \($n.loads) loads" else empty end,
			  if $n.starved_loads > 0 then "sender too slow for \($n.starved_loads) of \($n.loads) loads" else empty end,
			  if $n.retreats > 0 then "\($n.retreats) steps back" else empty end]
			 | join("; "))]] | table;
def latency_table:
	[["frame, bytes", "load", "kpps", "min, µs", "p50", "p90", "p99", "p99.9", "max", "lost"]]
	+ [.rows[] | .frame as $f | .latency // [] | .[]
		| [$f, "\(.load_percent | digits)%", .pps / 1e3]
		+ ([.min_ns, .p50_ns, .p90_ns, .p99_ns, .["p99.9_ns"], .max_ns]
			| map(if . then . / 1e3 else null end)) + [.lost]] | table;
def bursts_table:
	[["frame, bytes", "frames", "least", "most", "at kpps", "implied, µs", "corrected, µs",
		"corrected, frames"]]
	+ [.rows[] | select(.back_to_back) | .frame as $f | .back_to_back
		| [$f, .frames, .min_frames, .max_frames, .burst_pps / 1e3, .implied_us, .corrected_us,
			.corrected_frames]] | table;
def method_words:
	.plan as $p
	| (if .shortened then "Shortened for a demonstration: " else "As the RFC has it: " end)
	+ "trials of \($p.trial_seconds) s"
	+ (if .shortened then " (the RFC: 60 s)" else "" end)
	+ ", throughput to \(100 * $p.resolution)% of the highest rate, \($p.repetitions) trials vote on a load and \($p.confirm) confirm the answer; latency \($p.latency_repetitions) times \($p.latency_seconds) s at each load"
	+ (if .shortened then " (20 times 120 s)" else "" end)
	+ ", \($p.burst_repetitions) back-to-back searches"
	+ (if .shortened then " (50)" else "" end) + ". "
	+ (if $p.line_bps then "100% is a line of \($p.line_bps / 1e9) Gbit/s."
		else "100% is what the sender itself reaches: such ports have no line rate." end);

def starve_table:
	[["device", "pool", "reserve", "critical", "pings lost", "TCP", "least free",
		"drawn from the reserve", "refused to the flood"]]
	+ [.runs[] | [.device, .pool, .reserve, (if .critical then "yes" else "left alone" end),
		"\(.ping_lost) of \(.ping_sent)", (if .tcp_ok then "whole" else "died" end), .min_free,
		.reserve_used, .marked_refused]] | table;

# Of programs on devices; what lost all its samples has none.
def forward_table:
	map(select(.device)) | select(length > 0)
	| [["device", "program", "frame, bytes", "who", "Mpps", "ns a packet", "lost", "round trip, ns"]]
	+ map([.device, .program, .frame, .who, .mpps, .ns_per_packet,
		(if .loss then .loss | percent else null end), .round_trip_ns]) | table;
# Of mempool ops by themselves: a column for each kind of mempool.
def ops_table:
	def kind: .ops + (if .cache then ", cache \(.cache)" else "" end)
		+ (if .option then ", \(.option)" else "" end);
	map(select(.pattern and .ops)) | select(length > 0)
	| (map(kind) | unique) as $kinds
	| [["cycles an object", "at once"] + $kinds]
	+ (group_by([.pattern, .n]) | map(. as $rows | [.[0].pattern, .[0].n]
		+ ($kinds | map(. as $k | $rows | map(select(kind == $k))[0].cycles)))) | table;

def machine_words: [.cpu, (if .cpus then "\(.cpus) CPUs" else empty end),
	(if .tsc_ghz then "TSC \(.tsc_ghz) GHz" else empty end), .kernel, .compiler, .dpdk]
	| map(select(. != null and . != "")) | join("; ") | @html;

# The first lines: what a hurried reader takes along.
def bench_short:
	burst_cells("hold") | map(select(.burst == 32 and .ring and .pktpool))[]
	| "Taking and freeing a buffer costs <b>\(.pktpool | digits) cycles</b> in bursts of 32 while \(.held) are held, beside \(.ring | digits) with DPDK’s ring_mp_mc, \(.ring / .pktpool | digits) times as much.";
def span: if . >= 1e6 then "\(. / 1e6 | digits) ms" else "\(. / 1e3 | digits) µs" end;
def rfc_short:
	.rows[0] | select(.ndr) |
	"Frames of \(.frame) bytes go through without a loss at <b>\(.ndr.pps / 1e3 | digits) kpps</b>"
	+ (if .ndr.at_max then " or more, as the sender could offer no more evenly" else "" end)
	+ (.latency // [] | map(select(.load_percent == 50 and .p50_ns))[0]
		| if . then "; at half of that in \(.p50_ns | span) (median; p99 \(.p99_ns | span))" else "" end)
	+ ": pktpool-fwd between two veths.";
def starve_short:
	(.runs | map(select(.claimed == "lives"))) as $live | (.runs | map(select(.claimed == "dies"))) as $dead
	| select(($live | length) > 0)
	| def sum(f): map(f) | add // 0;
	"With no buffer left, <b>\($live | sum(.ping_lost)) of \($live | sum(.ping_sent)) pings</b> to the host are lost out of the reserve; without it \($dead | sum(.ping_lost)) of \($dead | sum(.ping_sent)).";
