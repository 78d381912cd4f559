/* What every unit test needs: cmocka behind its headers, a context, temporary files. */
#ifndef NBQ_TESTS_UNIT_TEST_H
#define NBQ_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

/* A context whose running out of memory fails the test. Messages are kept, not printed. */
#define TEST_CTX(c)                                                                                \
    struct ctx c;                                                                                  \
    ctx_init(&c, "test", NULL);                                                                    \
    if (setjmp(c.oom)) fail_msg("out of memory")

/* A temporary file with these bytes; the caller unlinks it. Path is in a. */
static inline const char *test_file(struct ctx *c, struct arena *a, const char *ending,
                                    const void *data, size_t size) {
    const char *dir = getenv("TMPDIR");
    char *path = arena_printf(a, "%s/nbq-test-XXXXXX%s", dir ? dir : "/tmp", ending);
    int fd = mkstemps(path, (int)strlen(ending));
    assert_true(fd >= 0);
    close(fd);
    assert_true(file_replace(c, path, data, size));
    return path;
}

#endif
