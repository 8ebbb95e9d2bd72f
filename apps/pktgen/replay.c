/* SPDX-License-Identifier: BSD-3-Clause */
/* Replay: the packets of a pcap file, in memory, with their times. */
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "mix.h"
#include "replay.h"
#include "signature.h"
#include "sum.h"

#define FCS 4
#define ETHER 14
#define VLAN 4
#define VLANS 2
#define TYPE_VLAN 0x8100
#define TYPE_QINQ 0x88a8
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define SLACK 64
/* Between rounds of a file of one packet. */
#define PERIOD_NS 1000000

static uint16_t be16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

/* What a packet's checksum covers, if it has one that would notice a signature. */
struct cover {
	unsigned header; /* where the transport's begins */
	unsigned end;    /* behind the last byte that is not padding */
	uint8_t protocol;
	bool whole; /* not a fragment, and understood as far as that */
};

static struct cover cover_find(const uint8_t *data, unsigned bytes)
{
	struct cover c = { .end = bytes };
	unsigned at = ETHER - 2;

	if (bytes < ETHER)
		return c;
	for (unsigned tags = 0; tags < VLANS && at + 6 <= bytes; tags++) {
		if (be16(data + at) != TYPE_VLAN && be16(data + at) != TYPE_QINQ)
			break;
		at += 4;
	}
	if (be16(data + at) == TYPE_IPV4 && at + 22 <= bytes) {
		const uint8_t *ip = data + at + 2;

		c.header = at + 2 + (ip[0] & 15) * 4;
		c.end = at + 2 + be16(ip + 2);
		c.protocol = ip[9];
		c.whole = ip[0] >> 4 == 4 && (be16(ip + 6) & 0x3fff) == 0;
	} else if (be16(data + at) == TYPE_IPV6 && at + 42 <= bytes) {
		const uint8_t *ip = data + at + 2;

		c.header = at + 42;
		c.end = c.header + be16(ip + 4);
		c.protocol = ip[6];
		c.whole = true;
	} else {
		c.header = at + 2;
	}
	return c;
}

/* Where the signature goes, and what that does to the checksum. False: no room. */
static bool packet_sign(struct replay_packet *p, const uint8_t *data)
{
	struct cover c = cover_find(data, p->bytes);
	unsigned at = p->bytes - SIGNATURE_BYTES, length = 0, field = 0;
	uint16_t check, old;

	if (p->bytes < ETHER + SIGNATURE_BYTES || c.end != p->bytes)
		return p->bytes >= ETHER + SIGNATURE_BYTES && c.end <= at && c.header <= c.end;
	if (c.whole && c.protocol == IPPROTO_TCP) {
		length = 20;
		field = 16;
	} else if (c.whole && c.protocol == IPPROTO_UDP) {
		length = 8;
		field = 6;
		p->udp = true;
	} else if (c.whole && (c.protocol == IPPROTO_ICMP || c.protocol == IPPROTO_ICMPV6)) {
		length = 8;
		field = 2;
	}
	if (c.header + length > at)
		return false;
	if (c.protocol == IPPROTO_TCP && length != 0 &&
	    c.header + (data[c.header + 12] >> 4) * 4U > at)
		return false;
	if (length == 0)
		return true;
	memcpy(&check, data + c.header + field, 2);
	if (p->udp && check == 0)
		return true;
	p->check = (uint16_t)(c.header + field);
	p->odd = (at - c.header) % 2;
	old = p->odd ? sum_shift(sum_bytes(data + at, SIGNATURE_BYTES))
		     : sum_fold(sum_bytes(data + at, SIGNATURE_BYTES));
	p->base = sum_fold((uint64_t)(uint16_t)~check + (uint16_t)~old);
	return true;
}

/* Room for one more packet of so many bytes. */
static int replay_room(struct replay *r, uint64_t *packets, uint64_t *bytes, uint64_t used,
		       uint32_t more)
{
	if (r->n == *packets) {
		uint64_t n = *packets == 0 ? 1024 : *packets * 2;
		void *grown = realloc(r->packets, n * sizeof(*r->packets));

		if (grown == NULL)
			return -ENOMEM;
		r->packets = grown;
		*packets = n;
	}
	if (used + more + SLACK > *bytes) {
		uint64_t n = *bytes * 2 + more + SLACK;
		void *grown = realloc(r->data, n);

		if (grown == NULL)
			return -ENOMEM;
		r->data = grown;
		*bytes = n;
	}
	return 0;
}

static int packet_check(const struct pcap_pkthdr *head, const char *name, uint64_t n, uint64_t used,
			struct wrong *wrong)
{
	if (head->caplen < head->len)
		return wrong_say(wrong,
				 "%s: packet %" PRIu64 ": only %u of its %u bytes were captured: "
				 "capture with a larger snap length (tcpdump -s 0)",
				 name, n, head->caplen, head->len);
	if (head->len < ETHER || head->len > MIX_FRAME_MAX - FCS)
		return wrong_say(wrong, "%s: packet %" PRIu64 ": %u bytes: must be from %d to %d",
				 name, n, head->len, ETHER, MIX_FRAME_MAX - FCS);
	if (used + head->len > REPLAY_BYTES_MAX)
		return wrong_say(wrong,
				 "%s: more than %llu MiB of packets: cut it in pieces (editcap -c)",
				 name, REPLAY_BYTES_MAX >> 20);
	return 0;
}

/*
 * A frame may be longer than the MTU by one tag of 802.1Q, as the kernel has it:
 * not by two, nor by a provider's.
 */
static void replay_measure(struct replay *r, const uint8_t *data, uint32_t bytes)
{
	uint32_t tag = be16(data + ETHER - 2) == TYPE_VLAN ? VLAN : 0;

	bytes += FCS;
	if (bytes > r->longest)
		r->longest = bytes;
	if (r->widest == 0 || bytes - tag > r->widest - r->widest_tag) {
		r->widest = bytes;
		r->widest_tag = tag;
	}
}

static int replay_packets(struct replay *r, pcap_t *pcap, const char *name, struct wrong *wrong)
{
	uint64_t packets = 0, bytes = 0, used = 0, last = 0;
	int64_t first = 0;
	struct pcap_pkthdr *head;
	const uint8_t *data;
	int more, err;

	while ((more = pcap_next_ex(pcap, &head, &data)) == 1) {
		int64_t ns = (int64_t)head->ts.tv_sec * 1000000000 + head->ts.tv_usec;
		struct replay_packet *p;

		err = packet_check(head, name, r->n + 1, used, wrong);
		if (err == 0)
			err = replay_room(r, &packets, &bytes, used, head->len);
		if (err != 0)
			return err;
		p = &r->packets[r->n];
		*p = (struct replay_packet){ .at = used, .bytes = (uint16_t)head->len };
		if (r->n == 0)
			first = ns;
		/* One that goes back in time goes with the one before. */
		p->ns = ns > first && (uint64_t)(ns - first) > last ? (uint64_t)(ns - first) : last;
		last = p->ns;
		memcpy(r->data + used, data, head->len);
		used += head->len;
		r->n++;
		replay_measure(r, data, head->len);
		if (r->sign && !packet_sign(p, data))
			return wrong_say(wrong,
					 "%s: packet %" PRIu64 ": its payload has no room for a "
					 "signature of %d bytes: leave the signature out",
					 name, r->n, SIGNATURE_BYTES);
	}
	if (more != PCAP_ERROR_BREAK)
		return wrong_say(wrong, "%s: after packet %" PRIu64 ": %s", name, r->n,
				 pcap_geterr(pcap));
	if (r->n == 0)
		return wrong_say(wrong, "%s: no packet is in it", name);
	r->mean = (double)used / (double)r->n + FCS;
	r->period = r->n > 1 ? last + last / (r->n - 1) : PERIOD_NS;
	return 0;
}

int replay_take(struct replay *r, FILE *file, const char *name, bool sign, struct wrong *wrong)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	pcap_t *pcap =
		pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);
	int err, link;

	memset(r, 0, sizeof(*r));
	r->sign = sign;
	if (pcap == NULL) {
		fclose(file);
		return wrong_say(wrong, "%s: not a pcap file: %s", name, text);
	}
	link = pcap_datalink(pcap);
	if (link != DLT_EN10MB) {
		const char *link_name = pcap_datalink_val_to_name(link);

		err = wrong_say(wrong,
				"%s: its packets are of link type %s (%d): must be EN10MB (1), "
				"Ethernet",
				name, link_name != NULL ? link_name : "unknown", link);
	} else {
		err = replay_packets(r, pcap, name, wrong);
	}
	pcap_close(pcap);
	if (err == -ENOMEM)
		wrong_say(wrong, "%s: no memory for its packets", name);
	return err;
}

int replay_read(struct replay *r, const char *path, bool sign, struct wrong *wrong)
{
	FILE *file = fopen(path, "re");

	memset(r, 0, sizeof(*r));
	if (file == NULL) {
		int err = -errno;

		wrong_say(wrong, "%s: %s", path, strerror(-err));
		return err;
	}
	return replay_take(r, file, path, sign, wrong);
}

double replay_seconds(const struct replay *r, uint64_t n)
{
	uint64_t turns = n ? (n - 1) / r->n : 0; /* whole ones before the last packet's */

	if (n == 0)
		return 0;
	return ((double)turns * (double)r->period + (double)r->packets[(n - 1) % r->n].ns) / 1e9;
}

void replay_end(struct replay *r)
{
	free(r->data);
	free(r->packets);
	memset(r, 0, sizeof(*r));
}
