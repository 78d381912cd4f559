/* Any bytes as a .svpe program: refused with a message, or loaded and checked. What stands in the
 * way of damage is made right again first: magic, versions, sizes and checksums. Code of what loads
 * disassembles to text that assembles to the same code. Small programs with host nodes run; what
 * others the loader lets through is run by tests/unit/runtime_loader_test.c. */
#include "isa/container.h"
#include "runtime/nbq.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = SVPE_FILE_HEADER + SVPE_SECTION_COUNT * SVPE_SECTION_ENTRY };

static void put(uint8_t *to, uint64_t v, int bytes) {
    for (int n = 0; n < bytes; n++) to[n] = (uint8_t)(v >> 8 * n);
}

static uint64_t get(const uint8_t *from, int bytes) {
    uint64_t v = 0;
    for (int n = 0; n < bytes; n++) v |= (uint64_t)from[n] << 8 * n;
    return v;
}

static void repair_target(struct ctx *c, struct arena *a, uint8_t *file, const uint8_t *text,
                          size_t size) {
    const struct svpe_target *t = svpe_target_parse(c, a, "fuzz", (const char *)text, size);
    if (t) put(file + SVPE_HEADER_TARGET_AT, svpe_target_hash(t), 8);
}

/* Sections follow each other without gaps, each as long as its row says and the file allows, the
 * last one to the end. */
static void repair_sections(struct ctx *c, struct arena *a, uint8_t *file, size_t size) {
    size_t at = HEAD;
    for (int n = 0; n < SVPE_SECTION_COUNT; n++) {
        uint8_t *row = file + SVPE_FILE_HEADER + n * SVPE_SECTION_ENTRY;
        at = svpe_align_section(at);
        if (at > size) return;
        uint64_t bytes = get(row + 16, 8);
        if (bytes > size - at || n == SVPE_SECTION_COUNT - 1) bytes = size - at;
        put(row, (uint64_t)n, 4);
        put(row + 4, crc32c(0, file + at, (size_t)bytes), 4);
        put(row + 8, at, 8);
        put(row + 16, bytes, 8);
        if (n == SVPE_SECTION_TARGET) repair_target(c, a, file, file + at, (size_t)bytes);
        at += (size_t)bytes;
    }
}

static void repair(struct ctx *c, uint8_t *file, size_t size) {
    struct arena *a = arena_new(c);
    memcpy(file, SVPE_FILE_MAGIC, 4);
    put(file + SVPE_HEADER_VERSION_AT, SVPE_FILE_VERSION, 4);
    put(file + SVPE_HEADER_ISA_AT, svpe_isa_hash(a), 8);
    put(file + SVPE_HEADER_SIZE_AT, size, 8);
    put(file + SVPE_HEADER_COUNT_AT, SVPE_SECTION_COUNT, 4);
    repair_sections(c, a, file, size);
    put(file + SVPE_HEADER_CRC_AT, 0, 4);
    put(file + SVPE_HEADER_CRC_AT, crc32c(0, file, HEAD), 4);
}

static void check_text(struct ctx *c, const uint8_t *file, size_t size) {
    struct arena *a = arena_new(c);
    struct svpe_program *p = svpe_read(c, a, "fuzz", file, size);
    struct writer text, code;
    if (!p) abort(); /* it has been read before */
    writer_init(&text, a);
    writer_init(&code, a);
    svpe_disassemble(p->code, (size_t)p->code_bytes, &text);
    if (!svpe_assemble(c, "again", (const char *)text.data, text.size, &code)) abort();
    if (code.size != p->code_bytes) abort();
    if (code.size && memcmp(code.data, p->code, code.size) != 0) abort();
}

/* ---- Running ---- */

enum { ELEMENTS = 1 << 12, NUMBER = 64, CYCLES = 1 << 16 };

static bool is_small(int64_t v) {
    return v >= -NUMBER && v <= NUMBER;
}

static bool small_nodes(const struct svpe_program *p) {
    int64_t left = ELEMENTS;
    for (int n = 0; n < p->host_value_count; n++) {
        int64_t elements = 1;
        for (int d = 0; d < p->host_values[n].rank; d++) {
            int64_t dim = p->host_values[n].dims[d];
            elements = dim > left ? left + 1 : elements * (dim < 1 ? 1 : dim);
            if (elements > left) return false;
        }
        left -= elements;
    }
    for (int n = 0; n < p->host_list_count; n++)
        if (!is_small(p->host_lists[n])) return false;
    for (int n = 0; n < p->host_attr_count; n++)
        if (!is_small(p->host_attrs[n].i)) return false;
    return p->host_node_count > 0 && p->host_node_count < NUMBER;
}

static bool small_code(const struct svpe_program *p) {
    struct svpe_machine m = {.target = p->target, .act_bits = p->act_bits};
    struct svpe_insn i;
    const char *why;
    uint64_t cycles = 0;
    for (uint64_t at = 0; at < p->code_bytes && cycles < CYCLES;) {
        int bytes = svpe_decode(p->code + at, (size_t)(p->code_bytes - at), &i, &why);
        if (bytes <= 0) return false;
        cycles += svpe_insn_cycles(&m, &i);
        at += (uint64_t)bytes;
    }
    return cycles < CYCLES;
}

static void run(const struct nbq_program *program) {
    struct nbq_session *s;
    if (nbq_open(program, "emulator", &s) != NBQ_OK) return;
    for (int n = 0; n < nbq_input_count(program); n++) {
        struct nbq_tensor_info info = nbq_input_info(program, n);
        size_t count = (size_t)info.channels * (size_t)info.height * (size_t)info.width;
        void *zeros = count > (1 << 20) ? NULL : calloc(count, sizeof(int64_t));
        if (zeros && nbq_set_input(s, n, info.type, zeros, count) != NBQ_OK) abort();
        free(zeros);
    }
    if (nbq_run(s) != NBQ_OK && !nbq_error(s)[0]) abort();
    nbq_close(s);
}

static void run_small(struct ctx *c, const struct nbq_program *program, const uint8_t *file,
                      size_t size) {
    const struct svpe_program *p = svpe_read(c, arena_new(c), "fuzz", file, size);
    uint64_t bytes = p->work_bytes + p->in_bytes + p->out_bytes;
    if (bytes < 1 << 22 && small_nodes(p) && small_code(p)) run(program);
}

static void load(struct ctx *c, const uint8_t *file, size_t size) {
    struct nbq_program *program;
    char message[256] = "";
    if (nbq_load(file, size, "fuzz", &program, message, sizeof message) != NBQ_OK) {
        if (!message[0]) abort();
        return;
    }
    nbq_check(program, message, sizeof message);
    run_small(c, program, file, size);
    nbq_program_free(program);
    check_text(c, file, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ctx c;
    uint8_t *file = malloc(size ? size : 1);
    if (!file) return 0;
    if (size) memcpy(file, data, size);
    ctx_init(&c, NULL, NULL);
    if (!setjmp(c.oom)) {
        load(&c, file, size);
        if (size >= HEAD) {
            repair(&c, file, size);
            load(&c, file, size);
        }
    }
    ctx_free(&c);
    free(file);
    return 0;
}
