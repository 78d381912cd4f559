/* The messages of isa/, expanded. */
#ifndef NBQ_ISA_DIAG_H
#define NBQ_ISA_DIAG_H

#include "base/diag.h"

#define DIAG DIAG_TABLE_ROW
#include "isa/diag.def"
#undef DIAG

#endif
