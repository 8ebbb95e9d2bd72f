/* SPDX-License-Identifier: BSD-3-Clause */
/* Veth: a pair in a namespace of the process's own, whose far end sends and looks at what comes. */
#ifndef VETH_H
#define VETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NEAR "near"
#define FAR "far"
#define FRAME_MOST 9014

/* In a new network namespace: false where that is not allowed. */
bool veth_enter(void);
/* Near and far, both up, with that MTU and so many queues each; and away again. */
void veth_make(unsigned mtu, unsigned queues);
void veth_remove(void);

/* Runs a command; it must succeed. */
void command(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A socket on the far end, nothing blocks on it. */
int far_open(void);
/* Frames that are told apart by a number, of so many bytes in all. */
void frame_make(uint8_t *frame, size_t bytes, uint32_t number);
bool frame_is_right(const uint8_t *frame, size_t bytes, uint32_t *number);
bool frame_is_one(const uint8_t *frame, size_t bytes);
void far_send(int fd, size_t bytes, uint32_t number);
/* Of frames received at the far end that are one of ours: 1 and its number, 0: none
 * now, -1: one that is not what was sent. */
int far_receive(int fd, uint32_t *number, size_t *bytes);

#endif
