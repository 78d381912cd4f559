/* The messages of base/, expanded. */
#ifndef NBQ_BASE_BASE_DIAG_H
#define NBQ_BASE_BASE_DIAG_H

#include "base/diag.h"

#define DIAG DIAG_TABLE_ROW
#include "base/diag.def"
#undef DIAG

#endif
