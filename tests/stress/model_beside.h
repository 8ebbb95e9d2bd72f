/* SPDX-License-Identifier: BSD-3-Clause */
/* Beside: the model's calls by several threads at once; what is sure is sure when it is quiet. */
#ifndef MODEL_BESIDE_H
#define MODEL_BESIDE_H

#include <stdint.h>

void beside_run(uint64_t seed, uint32_t buffers, uint64_t calls);

#endif
