/* Any bytes as a .target file: refused with a message, or a target whose canonical text parses to
 * the same target. */
#include "isa/target.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct ctx *c, struct arena *a, const struct svpe_target *t) {
    const char *text = svpe_target_text(a, t);
    const struct svpe_target *again = svpe_target_parse(c, a, "again.target", text, strlen(text));
    if (!again || svpe_target_hash(again) != svpe_target_hash(t)) abort();
    if (strcmp(svpe_target_text(a, again), text) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ctx c;
    ctx_init(&c, NULL, NULL);
    if (!setjmp(c.oom)) {
        struct arena *a = arena_new(&c);
        const char *text = arena_copy(a, data, size);
        const struct svpe_target *t = svpe_target_parse(&c, a, "fuzz.target", text, size);
        if (!t && !c.errors) abort();
        if (t) check(&c, a, t);
    }
    ctx_free(&c);
    return 0;
}
