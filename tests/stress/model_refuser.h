/* SPDX-License-Identifier: BSD-3-Clause */
/* Refuser: a recorder that takes no hugepage while it is told so. */
#ifndef MODEL_REFUSER_H
#define MODEL_REFUSER_H

#include "recorder.h"

/* Its device refuses all hugepages while this says so. */
extern _Atomic bool refusing;
extern const struct pp_dma_ops refuser_ops;

#endif
