/* SPDX-License-Identifier: BSD-3-Clause */
/* XDP kern: the forwarder's programs as the kernel runs them; by clang for its BPF. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* The other interface; written before the program is loaded. */
const volatile __u32 out_index;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} packets SEC(".maps");

static __always_inline void packet_count(void)
{
	__u32 key = 0;
	__u64 *count = bpf_map_lookup_elem(&packets, &key);

	if (count)
		*count += 1;
}

/* The frame, or NULL if it has no whole Ethernet header. */
static __always_inline struct ethhdr *frame_of(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;

	packet_count();
	return (void *)(eth + 1) > end ? NULL : eth;
}

static __always_inline void swap_macs(struct ethhdr *eth)
{
	unsigned char source[ETH_ALEN];

	__builtin_memcpy(source, eth->h_source, ETH_ALEN);
	__builtin_memcpy(eth->h_source, eth->h_dest, ETH_ALEN);
	__builtin_memcpy(eth->h_dest, source, ETH_ALEN);
}

static __always_inline void swap_tuple(struct xdp_md *ctx, struct ethhdr *eth)
{
	void *end = (void *)(long)ctx->data_end;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);
	__be32 address;
	__be16 port;

	if (eth->h_proto != bpf_htons(ETH_P_IP) || (void *)(udp + 1) > end || ip->ihl != 5)
		return;
	address = ip->saddr;
	ip->saddr = ip->daddr;
	ip->daddr = address;
	if (ip->protocol != IPPROTO_UDP && ip->protocol != IPPROTO_TCP)
		return;
	port = udp->source;
	udp->source = udp->dest;
	udp->dest = port;
}

SEC("xdp")
int drop(struct xdp_md *ctx)
{
	(void)ctx;
	packet_count();
	return XDP_DROP;
}

SEC("xdp")
int io(struct xdp_md *ctx)
{
	(void)ctx;
	packet_count();
	return (int)bpf_redirect(out_index, 0);
}

SEC("xdp")
int macswap(struct xdp_md *ctx)
{
	struct ethhdr *eth = frame_of(ctx);

	if (!eth)
		return XDP_ABORTED;
	swap_macs(eth);
	return (int)bpf_redirect(out_index, 0);
}

SEC("xdp")
int tuple(struct xdp_md *ctx)
{
	struct ethhdr *eth = frame_of(ctx);

	if (!eth)
		return XDP_ABORTED;
	swap_macs(eth);
	swap_tuple(ctx, eth);
	return (int)bpf_redirect(out_index, 0);
}

SEC("xdp")
int reflect(struct xdp_md *ctx)
{
	struct ethhdr *eth = frame_of(ctx);

	if (!eth)
		return XDP_ABORTED;
	swap_macs(eth);
	return XDP_TX;
}

/* Of frames that userspace gives: out they go. */
SEC("xdp")
int generate(struct xdp_md *ctx)
{
	(void)ctx;
	packet_count();
	return (int)bpf_redirect(out_index, 0);
}

char terms[] SEC("license") = "Dual BSD/GPL";
