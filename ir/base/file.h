/* Files in and out: whole-file mmap for reading, atomic replacement for writing. */
#ifndef NBQ_BASE_FILE_H
#define NBQ_BASE_FILE_H

#include "base/bytes.h"

struct file_view {       /* unmapped by ctx_free() */
    const uint8_t *data; /* never NULL, also for an empty file */
    size_t size;
};

/* file.c: both say what went wrong (path and strerror) and return false. */
bool file_map(struct ctx *c, const char *path,
              struct file_view *out); /* "-" reads standard input */
/* Writes to a temporary name beside path, fsyncs, renames. On failure, and when a signal ends the
 * program (base/interrupt.h), path is as it was and the temporary is gone. "-" writes standard
 * output. */
bool file_replace(struct ctx *c, const char *path, const void *data, size_t size);
/* What messages call a path: "-" is "standard input". */
const char *file_name(const char *path);
/* Both exist and are one file, by whatever names. */
bool file_same(const char *a, const char *b);

#endif
