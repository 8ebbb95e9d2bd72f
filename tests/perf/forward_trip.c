/* SPDX-License-Identifier: BSD-3-Clause */
/* Trip: how long a cache line takes from one CPU to another and back, now. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A try of so many; the median of the tries, as others use the CPUs, too. */
#define TRIPS 2000
#define TRIES 9

/* The line that goes to and fro; nothing else is in it. */
static struct {
	_Alignas(128) _Atomic uint64_t turn;
	_Alignas(128) char end;
} line;

static int cpu_pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static double clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *pong_run(void *arg)
{
	if (cpu_pin(*(const int *)arg) != 0)
		exit(3);
	for (uint64_t i = 0; i < (uint64_t)TRIPS * TRIES; i++) {
		while (atomic_load_explicit(&line.turn, memory_order_acquire) != 2 * i + 1)
			;
		atomic_store_explicit(&line.turn, 2 * i + 2, memory_order_release);
	}
	return NULL;
}

static int double_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	double tries[TRIES], began;
	int here, there, err;
	pthread_t pong;

	if (argc != 3) {
		fprintf(stderr, "usage: forward-trip CPU CPU\n");
		return 2;
	}
	here = atoi(argv[1]);
	there = atoi(argv[2]);
	err = here == there ? EINVAL : cpu_pin(here);
	if (err == 0)
		err = pthread_create(&pong, NULL, pong_run, &there);
	if (err != 0) {
		fprintf(stderr, "forward-trip: CPUs %d and %d: %s\n", here, there, strerror(err));
		return 3;
	}
	for (uint64_t i = 0; i < TRIES; i++) {
		began = clock_ns();
		for (uint64_t k = i * TRIPS; k < (i + 1) * TRIPS; k++) {
			atomic_store_explicit(&line.turn, 2 * k + 1, memory_order_release);
			while (atomic_load_explicit(&line.turn, memory_order_acquire) != 2 * k + 2)
				;
		}
		tries[i] = (clock_ns() - began) / TRIPS;
	}
	pthread_join(pong, NULL);
	qsort(tries, TRIES, sizeof(tries[0]), double_compare);
	printf("%.1f\n", tries[TRIES / 2]);
	return 0;
}
