/* SPDX-License-Identifier: BSD-3-Clause */
/* Fds: two file descriptors over a Unix socket, the way any program passes them. */
#ifndef FDS_H
#define FDS_H

#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* Sends them, or receives them into `fds`: 0, or -1. */
static inline int fds_pass(int sock, int fds[2], bool out)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))] = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&msg);

	head->cmsg_len = CMSG_LEN(2 * sizeof(int));
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(head), fds, 2 * sizeof(int));
	if ((out ? sendmsg(sock, &msg, 0) : recvmsg(sock, &msg, 0)) != 1 || !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(fds, CMSG_DATA(head), 2 * sizeof(int));
	return 0;
}

#endif
