/* Any bytes as a .svpe program: refused with a message, or loaded and checked. tests/unit/runtime_loader_test.c runs what
 * damaged programs the loader lets through. */
#include "base/ctx.h"
#include "runtime/nbq.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct nbq_program *program;
    char message[256];
    if (nbq_load(data, size, "fuzz", &program, message, sizeof message) != NBQ_OK) return 0;
    nbq_check(program, message, sizeof message);
    nbq_program_free(program);
    return 0;
}
