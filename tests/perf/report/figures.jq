# SPDX-License-Identifier: BSD-3-Clause
# Figures: what the plots are drawn of, as lines with tabs; a column without a figure is NaN.
def cell: if . == null then "NaN" else tostring end;
def line: map(cell) | join("\t");

# The bench's rows: of its first size, bursts known to the compiler.
def known: .rows as $rows | $rows | map(select(.constant and .buffers == $rows[0].buffers));
def burst_cells(pattern):
	known | map(select(.pattern == pattern)) | group_by(.burst)
	| map({burst: .[0].burst, held: .[0].held, pktpool: .[0].pktpool, floor: .[0].floor,
		ring: (map(select(.peer == "ring_mp_mc"))[0].rte_mempool),
		stack: (map(select(.peer == "stack"))[0].rte_mempool)});
def cycles(pattern):
	burst_cells(pattern)[] | [.burst, .pktpool, .ring, .stack, .floor] | line;

# Thousands of packets a second, then Gbit/s with preamble and gap.
def throughput:
	.rows[] | select(.throughput) | (8 * (.frame + 20) / 1e9) as $bits
	| [.max_pps, .mrr.pps, .pdr.pps, .ndr.pps] as $pps
	| [.frame] + ($pps | map(. / 1e3)) + ($pps | map(. * $bits)) | line;

# Three frame sizes at most: the smallest, the middle and the largest.
def latency_frames:
	[.rows[] | select(.latency | length > 0) | .frame]
	| [.[0], .[length / 2 | floor], .[-1]] | unique | map(select(. != null))[];
def latency(frame):
	.rows[] | select(.frame == frame) | .latency[]
	| [.load_percent] + ([.p50_ns, .p90_ns, .p99_ns, .["p99.9_ns"], .max_ns]
		| map(if . then . / 1e3 else null end)) | line;

# Over what was really offered: a sender may fall short of what it was asked.
def loss_frames: [.rows[] | select(.loss | length > 0) | .frame] | join(" ");
def loss:
	[.rows[] | select(.loss | length > 0) | .max_pps as $most
		| [.loss | sort_by(.pps)[] | [100 * .pps / $most, 100 * .loss] | line] | join("\n")]
	| join("\n\n\n");

# One of the devices of the starve demonstration.
def starve_devices: [.runs[] | select(.level | length > 1) | .device] | unique[];
def starve_runs(device): [.runs[] | select(.device == device and (.level | length > 1))];
def starve_name:
	.pool + (if .pool != "pktpool" then "" elif .reserve == 0 then ", no reserve"
		else ", reserve \(.reserve)" + (if .critical then "" else " left alone" end) end)
	+ ": \(.ping_lost) of \(.ping_sent) pings lost";
def starve_names(device): starve_runs(device) | map(starve_name) | join("\t");
def level(device):
	starve_runs(device) | map(.level | map([.[0], .[1]] | line) | join("\n")) | join("\n\n\n");

def forward_devices: [.[] | select(.mpps) | .device] | unique[];
# Of a device its shortest frames, what each program comes to with each forwarder; gnuplot takes no
# column without a figure.
def forward_rows(device): map(select(.device == device and .mpps))
	| (map(.frame) | min) as $frame | map(select(.frame == $frame));
def forward_who(device): forward_rows(device) | map(.who) | unique;
def forward_frame(device): forward_rows(device)[0].frame;
def forward(device):
	forward_who(device) as $who | forward_rows(device) | group_by(.program)[]
	| . as $rows | [.[0].program] + ($who | map(. as $w | $rows | map(select(.who == $w))[0].mpps))
	| line;
