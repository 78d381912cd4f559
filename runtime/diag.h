/* The messages of runtime/, expanded. */
#ifndef NBQ_RUNTIME_DIAG_H
#define NBQ_RUNTIME_DIAG_H

#include <inttypes.h>

#include "base/diag.h"

#define DIAG DIAG_TABLE_ROW
#include "runtime/diag.def"
#undef DIAG

#endif
