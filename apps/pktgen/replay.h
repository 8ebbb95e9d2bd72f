/* SPDX-License-Identifier: BSD-3-Clause */
/* Replay: the packets of a pcap file, in memory, with their times. */
#ifndef REPLAY_H
#define REPLAY_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wrong.h"

#define REPLAY_BYTES_MAX (1ULL << 30)

struct replay_packet {
	uint64_t at;      /* in data */
	uint64_t ns;      /* since the first; never less than the one before */
	uint16_t bytes;   /* without the FCS */
	uint16_t check;   /* where the checksum over the signature's place is; 0: none */
	uint16_t base;    /* the sum under it without the signature */
	uint16_t udp : 1; /* whose checksum of zero means none */
	uint16_t odd : 1; /* the signature is at an odd place of what is summed */
};

struct replay {
	uint8_t *data; /* with 64 bytes of slack behind */
	struct replay_packet *packets;
	uint64_t n;
	uint64_t period;     /* ns from a first packet to the next round's */
	uint32_t longest;    /* bytes with the FCS */
	uint32_t widest;     /* the same of the one that wants the largest MTU */
	uint32_t widest_tag; /* bytes of its tag, which is not part of what an MTU limits */
	double mean;         /* the same on average */
	bool sign;           /* a signature takes the place of each one's last bytes */
};

/*
 * Reads all of it. -EINVAL: not a pcap file, cut off, not of Ethernet, empty, a
 * packet was captured in part or is too long, or has no room for a signature.
 * -ENOENT, ...: cannot be read. -ENOMEM. replay_end() after an error, too.
 */
int replay_read(struct replay *r, const char *path, bool sign, struct wrong *wrong);
/* The same from an open file, which is closed. name is for complaints. */
int replay_take(struct replay *r, FILE *file, const char *name, bool sign, struct wrong *wrong);
/* Seconds until the nth packet is due by the file's own timing, which begins again at its end. */
double replay_seconds(const struct replay *r, uint64_t n);
void replay_end(struct replay *r);

#endif
