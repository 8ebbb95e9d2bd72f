/* SPDX-License-Identifier: BSD-3-Clause */
/* End: see rdma.h. */
#include "rdma.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define QKEY 0x11223344
#define DEPTH 64

static void die(const struct end *end, const char *what)
{
	printf("%s: %s: %s\n", end->name, what, strerror(errno));
	exit(1);
}

void end_open(struct end *end, const char *name)
{
	struct pp_dma_verbs_params params = {
		.sz = sizeof(params),
		.access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			  IBV_ACCESS_REMOTE_READ | IBV_ACCESS_MW_BIND,
	};
	struct ibv_device **list = ibv_get_device_list(NULL), **device = list;

	*end = (struct end){ .name = name };
	while (device && *device && strcmp(ibv_get_device_name(*device), name))
		device++;
	if (!device || !*device)
		die(end, "no such device");
	end->context = ibv_open_device(*device);
	ibv_free_device_list(list);
	if (!end->context || ibv_query_gid(end->context, 1, 0, &end->gid))
		die(end, "cannot be opened");
	end->pd = ibv_alloc_pd(end->context);
	params.pd = end->pd;
	if (!end->pd || pp_dma_verbs_create(&params, &end->verbs))
		die(end, pp_error());
}

void end_close(struct end *end)
{
	CHECK(pp_dma_verbs_destroy(end->verbs) == 0, "%s", pp_error());
	CHECK(ibv_dealloc_pd(end->pd) == 0, "%s: the domain is in use", end->name);
	CHECK(ibv_close_device(end->context) == 0, "%s: does not close", end->name);
}

static void end_make(struct end *end, enum ibv_qp_type type)
{
	struct ibv_qp_init_attr init = {
		.qp_type = type,
		.sq_sig_all = 1,
		.cap = { .max_send_wr = DEPTH,
			 .max_recv_wr = DEPTH,
			 .max_send_sge = 2,
			 .max_recv_sge = 2 },
	};

	end->type = type;
	init.send_cq = end->send_cq = ibv_create_cq(end->context, DEPTH, NULL, NULL, 0);
	init.recv_cq = end->receive_cq = ibv_create_cq(end->context, DEPTH, NULL, NULL, 0);
	end->qp = ibv_create_qp(end->pd, &init);
	if (!end->qp)
		die(end, "no queue pair");
}

static void end_ready(struct end *end, const struct end *to)
{
	bool ud = end->type == IBV_QPT_UD, rc = end->type == IBV_QPT_RC;
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = 1,
		.qkey = QKEY,
		.qp_access_flags = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_READ | IBV_ACCESS_MW_BIND,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = to->qp->qp_num,
		.max_dest_rd_atomic = 1,
		.max_rd_atomic = 1,
		.min_rnr_timer = 1,
		.timeout = 14,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.ah_attr = { .is_global = 1,
			     .port_num = 1,
			     .grh = { .dgid = to->gid, .hop_limit = 1 } },
	};
	int connected = IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN;

	if (ibv_modify_qp(end->qp, &attr,
			  IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
				  (ud ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS)))
		die(end, "INIT");
	attr.qp_state = IBV_QPS_RTR;
	if (rc)
		connected |= IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER;
	if (ibv_modify_qp(end->qp, &attr, IBV_QP_STATE | (ud ? 0 : connected)))
		die(end, "RTR");
	attr.qp_state = IBV_QPS_RTS;
	if (ibv_modify_qp(end->qp, &attr,
			  IBV_QP_STATE | IBV_QP_SQ_PSN |
				  (rc ? IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
						   IBV_QP_MAX_QP_RD_ATOMIC
				      : 0)))
		die(end, "RTS");
	if (!ud)
		return;
	end->ah = ibv_create_ah(end->pd, &attr.ah_attr);
	if (!end->ah)
		die(end, "no address handle");
}

void ends_join(struct end *a, struct end *b, enum ibv_qp_type type)
{
	end_make(a, type);
	end_make(b, type);
	end_ready(a, b);
	end_ready(b, a);
}

static void end_part(struct end *end)
{
	if (end->ah)
		ibv_destroy_ah(end->ah);
	end->ah = NULL;
	CHECK(ibv_destroy_qp(end->qp) == 0, "%s", end->name);
	CHECK(ibv_destroy_cq(end->send_cq) == 0, "%s", end->name);
	CHECK(ibv_destroy_cq(end->receive_cq) == 0, "%s", end->name);
}

void ends_part(struct end *a, struct end *b)
{
	end_part(a);
	end_part(b);
}

void end_receive(struct end *end, void *buf, uint32_t bytes)
{
	struct ibv_sge sge[2];
	struct ibv_recv_wr wr = { .wr_id = (uintptr_t)buf, .sg_list = sge }, *bad;

	wr.num_sge = pp_dma_verbs_sge(end->region, (unsigned)end->device, buf, bytes, sge);
	if (wr.num_sge < 1 || ibv_post_recv(end->qp, &wr, &bad))
		die(end, "cannot post a receive");
}

static void end_post_wr(struct end *end, const struct end *to, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;

	if (end->type == IBV_QPT_UD) {
		wr->wr.ud.ah = end->ah;
		wr->wr.ud.remote_qpn = to->qp->qp_num;
		wr->wr.ud.remote_qkey = QKEY;
	}
	if (ibv_post_send(end->qp, wr, &bad))
		die(end, "cannot post a send");
}

void end_post(struct end *end, const struct end *to, struct ibv_sge *sge)
{
	struct ibv_send_wr wr = { .sg_list = sge, .num_sge = 1, .opcode = IBV_WR_SEND };

	end_post_wr(end, to, &wr);
}

void end_send(struct end *end, const struct end *to, void *buf, uint32_t bytes, uint32_t wrong)
{
	struct ibv_sge sge[2];

	if (pp_dma_verbs_sge(end->region, (unsigned)end->device, buf, bytes, sge) != 1)
		die(end, "not one element");
	sge[0].lkey += wrong;
	end_post(end, to, sge);
}

void end_reach(struct end *end, const struct end *to, enum ibv_wr_opcode opcode, void *mine,
	       void *theirs, uint32_t bytes, uint32_t wrong)
{
	struct ibv_sge sge[2];
	struct ibv_send_wr wr = { .sg_list = sge, .num_sge = 1, .opcode = opcode };

	pp_dma_verbs_sge(end->region, (unsigned)end->device, mine, bytes, sge);
	wr.wr.rdma.remote_addr = pp_buffer_iova(to->region, (unsigned)to->device, theirs);
	wr.wr.rdma.rkey = pp_buffer_rkey(to->region, (unsigned)to->device, theirs) + wrong;
	end_post_wr(end, to, &wr);
}

struct ibv_mw *end_bind_windows(struct end *end, struct pp_pool *pool)
{
	struct pp_extent extent;
	struct pp_page_info info;
	struct ibv_mw *mw = ibv_alloc_mw(end->pd, IBV_MW_TYPE_1);
	struct ibv_mw_bind bind = {
		.bind_info = { .mw_access_flags = IBV_ACCESS_REMOTE_READ },
		.send_flags = IBV_SEND_SIGNALED,
	};
	uint32_t p;

	if (!mw)
		die(end, "no memory window");
	pp_region_extent(pp_pool_region(pool), &extent);
	for (p = extent.pages - 1; pp_region_page(pp_pool_region(pool), p, &info) || !info.present;)
		p--;
	/* The region as the application would have it, whose keys these are. */
	bind.bind_info.mr = pp_dma_verbs_mr(end->verbs, info.start);
	bind.bind_info.addr = (uintptr_t)info.start;
	bind.bind_info.length = extent.page / 2;
	if (ibv_bind_mw(end->qp, mw, &bind))
		die(end, "cannot bind a window");
	return mw;
}

struct ibv_wc end_wait(struct ibv_cq *cq)
{
	struct ibv_wc wc;
	time_t limit = time(NULL) + 300;

	while (!ibv_poll_cq(cq, 1, &wc)) {
		if (time(NULL) > limit) {
			printf("no completion\n");
			exit(1);
		}
		usleep(100);
	}
	return wc;
}

unsigned regions_of(const struct end *end)
{
	char command[128];
	unsigned n = 0;
	FILE *out;

	snprintf(command, sizeof(command), "rdma -d resource show mr dev %s pid %d | grep -c mrn",
		 end->name, getpid());
	out = popen(command, "r");
	if (!out || fscanf(out, "%u", &n) != 1)
		die(end, "rdma tells nothing");
	pclose(out);
	return n;
}
