/* Any bytes as IR text: parsing gives a graph or a message; a graph prints, and what it prints
 * parses to the same text; the verifier says yes or no. */
#include "ir/ir.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *print(const struct ir_graph *g, unsigned flags, size_t *size) {
    struct writer w;
    writer_init(&w, g->arena);
    ir_print(g, flags, &w);
    *size = w.size;
    return writer_string(&w);
}

static void check(struct ctx *c, struct ir_graph *g, unsigned flags) {
    size_t size, again_size;
    const char *text = print(g, flags, &size);
    struct ir_graph *again = ir_parse(c, "printed", text, size);
    if (again == NULL) abort();
    const char *again_text = print(again, flags, &again_size);
    if (size != again_size || memcmp(text, again_text, size) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ctx c;
    ctx_init(&c, "fuzz", NULL);
    if (setjmp(c.oom) == 0) {
        struct ir_graph *g = ir_parse(&c, "fuzz", (const char *)data, size);
        if (g == NULL && c.errors == 0) abort();
        if (g != NULL) {
            check(&c, g, 0);
            check(&c, g, IR_PRINT_DATA);
            ir_verify(g, "fuzz");
        }
    }
    ctx_free(&c);
    return 0;
}
