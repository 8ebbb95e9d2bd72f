/* SPDX-License-Identifier: BSD-3-Clause */
/* Peer: the port at the other end, which the two tell each other by UDP how to reach. */
#ifndef PP_PEER_H
#define PP_PEER_H

#include <infiniband/verbs.h>
#include <stdbool.h>

/* Where datagrams go. */
struct pp_peer_way {
	struct ibv_ah *ah;
	uint32_t qpn, qkey;
	uint32_t frame; /* the most bytes that it takes */
};

/*
 * A queue pair's number and key are not known before it is there, and others
 * after each start. So each end sends its own, in a datagram of UDP from its
 * RoCE address to the other's, on the same port, and again and again: who is
 * late or was started anew is found, and who is silent for SILENCE_MS is gone.
 * 20 bytes in network order: "PPV1", queue pair (0: it goes), key, frame bytes, and
 * the queue pair of the other that it has heard of: the link is up when each
 * knows the way to the other.
 *
 * Who sends frames reads `way`, all else is one thread's at a time.
 */
struct pp_peer {
	struct ibv_pd *pd;
	uint8_t port;
	uint8_t gid_index;
	uint32_t ifindex; /* of the network interface under the device */
	uint16_t udp;
	union ibv_gid self, other;
	int fd;
	uint32_t qpn, qkey, frame; /* what it is told */
	uint64_t heard_ms;
	bool known;                 /* to the other */
	struct pp_peer_way ways[2]; /* the last, and the one before */
	unsigned turn;              /* which is the last */
	struct pp_peer_way *way;    /* NULL: the peer is not there */
};

#define PP_PEER_SILENCE_MS 10000

/* Finds the device's address from which `address` (IPv4, or IPv6, as text) can
 * be reached: pd and port are set. 0, or -errno with pp_error(). */
int pp_peer_find(struct pp_peer *peer, const char *address);

/* Its socket; and the end of it, which the other is told. */
int pp_peer_open(struct pp_peer *peer);
void pp_peer_close(struct pp_peer *peer);

/* Sends and hears what there is; to be called again within a second. */
bool pp_peer_talk(struct pp_peer *peer);

static inline const struct pp_peer_way *pp_peer_way(const struct pp_peer *peer)
{
	return __atomic_load_n(&peer->way, __ATOMIC_ACQUIRE);
}

static inline bool pp_peer_is_up(const struct pp_peer *peer)
{
	return pp_peer_way(peer) && __atomic_load_n(&peer->known, __ATOMIC_RELAXED);
}

#endif
