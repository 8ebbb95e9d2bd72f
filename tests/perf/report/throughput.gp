# SPDX-License-Identifier: BSD-3-Clause
# Throughput over the frame size; also given: data, unit, from (the first of four columns).
load common
set logscale x 2
set xtics (64, 128, 256, 512, 1024, 1518)
set xrange [56:1750]
set yrange [0:*]
set xlabel 'frame, bytes with FCS' textcolor rgb ink
set ylabel unit textcolor rgb ink
plot data using 1:from with linespoints lw 2 pt 13 dt 2 lc rgb c4 title 'offered (100%)', \
	data using 1:from+1 with linespoints lw 2 pt 5 lc rgb c5 title 'MRR', \
	data using 1:from+2 with linespoints lw 2 pt 9 lc rgb c3 title 'PDR', \
	data using 1:from+3 with linespoints lw 2 pt 7 lc rgb c1 title 'NDR: no loss'
