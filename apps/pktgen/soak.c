/* SPDX-License-Identifier: BSD-3-Clause */
/* Soak: the same load for hours, a line for each period, and memory that stays what it was. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak.h"

/* What the process has in memory, its hugepages apart; 0 if the kernel does not say. */
static uint64_t resident_kib(void)
{
	char text[64] = { 0 };
	unsigned long pages = 0;
	/* Without stdio, whose own buffers would come and go in what is measured. */
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	if (read(fd, text, sizeof(text) - 1) > 0 && strchr(text, ' '))
		pages = strtoul(strchr(text, ' '), NULL, 10);
	close(fd);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void period_add(struct soak_total *total, const struct trial_result *r)
{
	total->periods++;
	total_add(&total->all, r);
	rows_add(&total->rows, r, total->all.seconds);
	if (r->lost > total->worst_lost) {
		total->worst_lost = r->lost;
		total->worst_at = total->all.seconds;
	}
	if (r->latency.p99 > total->worst_p99)
		total->worst_p99 = r->latency.p99;
	if (r->latency.max > total->worst_max)
		total->worst_max = r->latency.max;
}

/* Buffers of stdio and the like come with the first period and the first line. */
static void total_weigh(struct soak_total *total, uint64_t growth)
{
	total->kib_last = resident_kib();
	if (total->periods <= 2)
		total->kib_first = total->kib_last;
	if (total->kib_last > total->kib_most)
		total->kib_most = total->kib_last;
	total->grown = total->kib_last > total->kib_first + growth;
}

static void period_print(FILE *out, const struct soak_total *total, const struct trial_result *r)
{
	unsigned seconds = (unsigned)(total->all.seconds + 0.5);

	fprintf(out,
		"%3u:%02u:%02u  %10.1f kpps  %12" PRIu64 " sent  %10" PRIu64 " lost  %10" PRIu64
		" lost in all  p50 %.1f  p99 %.1f  max %.1f us  %.1f MiB\n",
		seconds / 3600, seconds / 60 % 60, seconds % 60, r->tx_pps / 1e3, r->sent, r->lost,
		total->all.lost, (double)r->latency.p50 / 1e3, (double)r->latency.p99 / 1e3,
		(double)r->latency.max / 1e3, (double)total->kib_last / 1024);
	fflush(out);
}

int soak_run(const struct soak_plan *plan, const struct soak_device *device, FILE *out,
	     struct soak_total *total)
{
	struct trial_load load = plan->load;
	double done = 0;

	*total = (struct soak_total){ 0 };
	load.packets = 0;
	/* A last period that is next to nothing is no period. */
	while (done < plan->seconds - plan->every / 1000 && !total->grown) {
		struct trial_result result = { 0 };
		int error;

		load.seconds =
			plan->seconds - done < plan->every ? plan->seconds - done : plan->every;
		if (device->progress)
			device->progress(device->progress_arg, "soak", done, plan->seconds);
		error = device->trial(device->arg, &load, &result);
		if (error && error != -EINTR)
			return error;
		done += load.seconds;
		period_add(total, &result);
		total_weigh(total, plan->growth);
		period_print(out, total, &result);
		if (error || result.interrupted)
			return -EINTR;
	}
	return 0;
}
