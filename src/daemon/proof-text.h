#pragma once

/* What is said of both sides being the same. Pure. */

#include "sync/engine.h"

/* "identical, root 3f2a5c0d9b1e7788, proven 2026-11-21 06:25", without the last where it is not;
 * "not identical: root 3f2a5c0d9b1e7788 of the source, 77aa0c12f00d4711 of the replica"; NULL where
 * nothing is known. A fresh string; 0 or -ENOMEM. */
int proof_format(const Proof *proof, char **ret);
