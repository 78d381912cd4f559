/* The messages of the IR room; the texts stand in diag.def. */
#ifndef NBQ_IR_DIAG_H
#define NBQ_IR_DIAG_H

#include "base/diag.h"

#define DIAG DIAG_TABLE_ROW
#include "ir/diag.def"
#undef DIAG

#endif
