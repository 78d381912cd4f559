/* Programs with host nodes between device segments, for svpe_fuzz: svpe_seeds FOLDER COUNT. */
#include "runtime_rooms.h"

#include "base/file.h"

#include <limits.h>
#include <stdlib.h>

static int write_seeds(struct ctx *c, const char *folder, int count) {
    if (setjmp(c->oom)) return 3;
    for (int n = 0; n < count; n++) {
        struct arena *a = arena_new(c);
        struct rooms r;
        rooms_make(&r, c, a, (uint64_t)n + 1);
        struct writer w = rooms_bytes(&r);
        if (!file_replace(c, arena_printf(a, "%s/rooms%d.svpe", folder, n), w.data, w.size))
            return 1;
        arena_free(a);
    }
    return 0;
}

int main(int argc, char **argv) {
    struct ctx c;
    char *end;
    if (argc != 3) return 2;
    long count = strtol(argv[2], &end, 10);
    if (end == argv[2] || *end != '\0' || count < 0 || count > INT_MAX) return 2;
    ctx_init(&c, "svpe_seeds", stderr);
    int rc = write_seeds(&c, argv[1], (int)count);
    ctx_free(&c);
    return rc;
}
