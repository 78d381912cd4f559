/* The messages of the passes room; the texts stand in diag.def. */
#ifndef NBQ_PASSES_DIAG_H
#define NBQ_PASSES_DIAG_H

#include "base/diag.h"

#define DIAG DIAG_TABLE_ROW
#include "passes/diag.def"
#undef DIAG

#endif
