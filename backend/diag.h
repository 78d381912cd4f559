/* The messages of the backend room; the texts stand in diag.def. */
#ifndef NBQ_BACKEND_DIAG_H
#define NBQ_BACKEND_DIAG_H

#include "base/diag.h"

#define DIAG DIAG_TABLE_ROW
#include "backend/diag.def"
#undef DIAG

#endif
