/* The messages of the operators; the texts stand in diag.def. */
#ifndef NBQ_BASE_OPS_DIAG_H
#define NBQ_BASE_OPS_DIAG_H

#include "base/diag.h"

#define DIAG DIAG_TABLE_ROW
#include "base/ops/diag.def"
#undef DIAG

#endif
