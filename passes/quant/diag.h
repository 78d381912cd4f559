/* The messages of passes/quant, expanded. */
#ifndef NBQ_PASSES_QUANT_DIAG_H
#define NBQ_PASSES_QUANT_DIAG_H

#include "base/diag.h"

#define DIAG DIAG_TABLE_ROW
#include "passes/quant/diag.def"
#undef DIAG

#endif
