# SPDX-License-Identifier: BSD-3-Clause
# Cycles a buffer over the burst; also given: data, floor (what the least possible is of).
load common
set logscale xy
set xtics (1, 8, 32, 64)
set xrange [0.85:75]
set xlabel 'buffers a call' textcolor rgb ink
set ylabel 'TSC cycles per buffer' textcolor rgb ink
plot data using 1:2 with linespoints lw 2 pt 7 lc rgb c1 title 'pktpool', \
	data using 1:3 with linespoints lw 2 pt 5 lc rgb c2 title 'ring_mp_mc', \
	data using 1:4 with linespoints lw 2 pt 9 lc rgb c3 title 'stack', \
	data using 1:5 with linespoints lw 2 pt 13 dt 2 lc rgb c4 title floor
