/* Any bytes, as IR text or as an ONNX model, through the whole compiler: passes with calibration on
 * one synthetic input, plan, instructions, and the loader, which has to take what comes out. Bad
 * input is refused with a message; nothing else may go wrong. The sum of the bytes chooses target
 * and width. What is not small is left out: the time is to go into what is different. */
#include "backend/backend.h"
#include "frontend/frontend.h"
#include "passes/passes.h"
#include "runtime/nbq.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_VALUE = 20000, MAX_ALL = 100000, MAX_NODES = 40, MAX_WORK = 2000000 };

static const struct variant {
    const char *target;
    int weight_bits, act_bits;
} variants[] = {
    {"tiny", 4, 8}, {"tiny", 5, 16}, {"zcu102", 3, 8}, {"zcu102-vpe", 8, 8}, {"zcu102-a16", 2, 16}};

/* Elements of a value's type, or of the small number that stands for an unknown one. */
static int64_t elements(const struct ir_value *v) {
    int64_t count = v ? ir_elements(v) : 0;
    return count < 0 ? 1 : count;
}

/* The time a node takes is bounded by what it reads, times what it makes. */
static bool is_small(const struct ir_graph *g) {
    int64_t all = 0, nodes = 0, work = 0;
    for (int i = 0; i < g->value_count; i++) {
        int64_t count = elements(g->values[i]);
        if (count > MAX_VALUE) return false;
        all += count;
    }
    for (const struct ir_node *n = g->first; n; n = n->next, nodes++) {
        int64_t most = 1;
        for (int i = 0; i < n->in_count; i++)
            if (elements(n->in[i]) > most) most = elements(n->in[i]);
        for (int i = 0; i < n->out_count; i++) work += most * elements(n->out[i]);
    }
    return all <= MAX_ALL && nodes <= MAX_NODES && work <= MAX_WORK;
}

/* An ONNX file begins with a field key, below the printable characters. */
static struct ir_graph *read_model(struct ctx *c, const uint8_t *data, size_t size) {
    if (size > 0 && data[0] >= ' ') return ir_parse(c, "input", (const char *)data, size);
    return fe_import_bytes(c, "input", data, size, NULL);
}

static void load(struct ctx *c, const struct svpe_program *p) {
    char message[400];
    struct nbq_program *loaded;
    struct writer w;
    writer_init(&w, arena_new(c));
    svpe_write(p, &w);
    enum nbq_status status = nbq_load(w.data, w.size, "made", &loaded, message, sizeof message);
    if (status == NBQ_NO_MEMORY) return;
    if (status != NBQ_OK || nbq_check(loaded, message, sizeof message) > 0) {
        fprintf(stderr, "%s\n", message);
        abort();
    }
    nbq_program_free(loaded);
}

/* What fails has to say why, and not that the compiler is to blame. */
static void expect_reason(const struct ctx *c) {
    static const char *const ours[] = {"pass_broken_claim", "pass_silent", "be_internal"};
    bool bad = c->errors == 0;
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) bad |= diag_find(c, ours[i]) != NULL;
    if (!bad) return;
    for (const struct diag *d = c->first; d; d = d->next) diag_print(d, "fuzz", stderr);
    abort();
}

/* What else can be printed of it. */
static void describe(struct ctx *c, const struct ir_graph *g, const struct be_plan *plan,
                     const struct svpe_program *made) {
    struct writer w;
    writer_init(&w, arena_new(c));
    be_report_text(plan, made, &w);
    be_report_json(plan, made, &w);
    ir_print_dot(g, &w);
}

static bool compile(struct ctx *c, struct ir_graph *g, const struct variant *v) {
    const struct svpe_target *t = svpe_target_find(c, arena_new(c), v->target);
    struct preprocess p = {.scale = 1.0 / 255, .std = {1, 1, 1, 1}};
    struct pass_options o = {.target = t,
                             .weight_bits = v->weight_bits,
                             .act_bits = v->act_bits,
                             .calib = CALIB_MSE,
                             .calib_count = 1,
                             .preprocess = p,
                             .seed = 1,
                             .threads = 1};
    struct be_options b = {t, v->act_bits, NULL, p};
    struct pass_run run = {.print_to = stdout};
    if (!pass_pipeline(g, &o, &run)) return false;
    const struct be_plan *plan = be_plan(c, g, &b);
    const struct svpe_program *made = plan ? be_lower(c, plan, &b) : NULL;
    if (!made) return false;
    load(c, made);
    describe(c, g, plan, made);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct ctx c;
    size_t sum = 0;
    for (size_t i = 0; i < size; i++) sum += data[i];
    const struct variant *v = &variants[sum % (sizeof variants / sizeof *variants)];
    ctx_init(&c, "fuzz", NULL);
    if (!setjmp(c.oom)) {
        struct ir_graph *g = read_model(&c, data, size);
        if (g && ir_verify(g, "fuzz") && is_small(g) && !compile(&c, g, v)) expect_reason(&c);
    }
    ctx_free(&c);
    return 0;
}
