/* Any bytes as an ONNX model. The import may refuse them, but never crash, hang, leak, or fail
 * without saying why; what it accepts must print and parse back to the same text. */
#include "frontend/frontend.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *text_of(struct ctx *c, const struct ir_graph *g) {
    struct writer w;
    writer_init(&w, arena_new(c));
    ir_print(g, IR_PRINT_DATA, &w);
    return writer_string(&w);
}

static void check_round_trip(struct ctx *c, const struct ir_graph *g) {
    const char *once = text_of(c, g);
    const struct ir_graph *back = ir_parse(c, "printed", once, strlen(once));
    if (!back || strcmp(once, text_of(c, back)) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ctx c;
    ctx_init(&c, "fuzz", NULL);
    if (!setjmp(c.oom)) {
        const struct ir_graph *g = fe_import_bytes(&c, "input", data, size, NULL);
        if (!g && !c.errors) abort();
        if (g) check_round_trip(&c, g);
    }
    ctx_free(&c);
    return 0;
}
