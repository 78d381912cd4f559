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
 * program (base/interrupt.h), path is as it was and the temporary is gone. What is not a regular
 * file is written to as it is, and so is what /dev/fd/N, /dev/stdout and the like name. "-" writes
 * standard output. */
bool file_replace(struct ctx *c, const char *path, const void *data, size_t size);
/* For what takes long before file_replace() and file_map(): whether they will do, as far as can be
 * seen without writing or reading; says why not. */
bool file_check_write(struct ctx *c, const char *path);
bool file_check_read(struct ctx *c, const char *path);
/* What messages call a path: "-" is "standard input". */
const char *file_name(const char *path);
/* Both exist and are one file, by whatever names. */
bool file_same(const char *a, const char *b);

#endif
