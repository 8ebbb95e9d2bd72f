# SPDX-License-Identifier: BSD-3-Clause
# Packets a second of each forwarder on one device; also given: data (what is done, then a column for each of who), who.
load common
set style data histograms
set style histogram clustered gap 1
set style fill solid 0.9 noborder
set yrange [0:*]
set xtics noenhanced
set grid noxtics
set xlabel 'program and frame, bytes' textcolor rgb ink
set ylabel 'million packets a second' textcolor rgb ink
plot for [i = 1:words(who)] data using i + 1:xtic(1) lc rgb c[(i - 1) % 7 + 1] title word(who, i)
