#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Format: what clang-format would change. Mend with: clang-format -i FILE
find lib apps examples tests -name '*.[ch]' -print0 |
	xargs -0 clang-format --dry-run -Werror --ferror-limit=1
