/* The messages of frontend/, expanded. */
#ifndef NBQ_FRONTEND_DIAG_H
#define NBQ_FRONTEND_DIAG_H

#include "base/diag.h"

#define DIAG DIAG_TABLE_ROW
#include "frontend/diag.def"
#undef DIAG

#endif
