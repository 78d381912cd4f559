/* Any bytes as assembly, and as code to disassemble; what assembles disassembles to text that
 * assembles the same, and what is disassembled assembles back to its bytes. */
#include "isa/isa.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assemble(struct ctx *c, const char *text, size_t size) {
    struct writer code, again, back;
    struct arena *a = arena_new(c);
    writer_init(&code, a);
    writer_init(&back, a);
    writer_init(&again, a);
    if (!svpe_assemble(c, "fuzz", text, size, &code)) return;
    svpe_disassemble(code.data, code.size, &back);
    const char *printed = writer_string(&back);
    bool good = svpe_assemble(c, "again", printed, strlen(printed), &again);
    assert(good && again.size == code.size);
    assert(!code.size || !memcmp(again.data, code.data, code.size));
    (void)good;
}

static void disassemble(struct ctx *c, const uint8_t *data, size_t size) {
    struct writer text, again;
    struct arena *a = arena_new(c);
    writer_init(&text, a);
    writer_init(&again, a);
    svpe_disassemble(data, size, &text);
    const char *printed = writer_string(&text);
    bool good = svpe_assemble(c, "back", printed, strlen(printed), &again);
    assert(good && again.size == size && (!size || !memcmp(again.data, data, size)));
    (void)good;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ctx c;
    ctx_init(&c, NULL, NULL);
    if (!setjmp(c.oom)) {
        assemble(&c, (const char *)data, size);
        disassemble(&c, data, size);
    }
    ctx_free(&c);
    return 0;
}
