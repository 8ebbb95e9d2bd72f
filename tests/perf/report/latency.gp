# SPDX-License-Identifier: BSD-3-Clause
# Latency percentiles over the load; also given: data.
load common
set logscale y
set xtics (10, 50, 90)
set xrange [0:100]
set format y '%.10g'
set xlabel 'load, % of the throughput' textcolor rgb ink
set ylabel 'latency, µs' textcolor rgb ink
plot data using 1:6 with linespoints lw 2 pt 13 dt 2 lc rgb c4 title 'max', \
	data using 1:5 with linespoints lw 2 pt 11 lc rgb c2 title 'p99.9', \
	data using 1:4 with linespoints lw 2 pt 9 lc rgb c3 title 'p99', \
	data using 1:3 with linespoints lw 2 pt 5 lc rgb c5 title 'p90', \
	data using 1:2 with linespoints lw 2 pt 7 lc rgb c1 title 'p50'
