/* Any bytes as a .svpe program: refused with a message, or loaded, checked and run inside its own buffers. */
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
