/* nbqc: an ONNX model in, a program out. Calls the rooms one after the other, writes the result
 * only if all went well. */
#include "frontend/tools/nbqc.h"
#include "backend/backend.h"
#include "base/file.h"
#include "frontend/diag.h"
#include "frontend/frontend.h"

#include <string.h>
#include <time.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static double milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void say_step(const struct nbqc_job *j, const char *name, double start) {
    if (j->verbose) diag(j->c, nbqc_step, NULL, name, milliseconds() - start);
}

/* IR text by its name, or by its first bytes: an ONNX file starts with a field key, below the
 * printable characters. */
static bool is_text(const char *path, const struct file_view *f) {
    enum { LOOK = 16 };
    if (nbqc_ends_with(path, ".nir")) return true;
    if (nbqc_ends_with(path, ".onnx") || f->size == 0) return false;
    for (size_t i = 0; i < f->size && i < LOOK; i++)
        if ((f->data[i] < ' ' && !memchr("\t\r\n", f->data[i], 3)) || f->data[i] > '~')
            return false;
    return true;
}

static struct ir_graph *read_model(struct nbqc_job *j) {
    const struct option_value *dims = nbqc_option(j, OPT_dim);
    const struct option_value *outputs = nbqc_option(j, OPT_outputs);
    const struct option_value *inputs = nbqc_option(j, OPT_inputs);
    const char *name = file_name(j->model);
    struct file_view f;
    if (!file_map(j->c, j->model, &f)) return NULL;
    if (is_text(j->model, &f)) {
        if (!dims->given && !outputs->given && !inputs->given)
            return ir_parse(j->c, name, (const char *)f.data, f.size);
        diag(j->c, nbqc_dim_text, NULL, name);
        return NULL;
    }
    struct fe_options o = {.sizes = {.dims = dims->list, .dim_count = dims->count}};
    o.folder = fe_folder(j->a, j->model);
    o.sizes.outputs = outputs->list;
    o.sizes.output_count = outputs->count;
    o.sizes.inputs = inputs->list;
    o.sizes.input_count = inputs->count;
    return fe_import_bytes(j->c, name, f.data, f.size, &o);
}

static bool check_preprocess(const struct nbqc_job *j, const struct ir_graph *g) {
    static const enum option_id ids[] = {OPT_mean, OPT_std};
    const struct ir_value *in = g->input_count ? g->inputs[0] : NULL;
    if (!in || in->rank != 4) return true;
    for (int i = 0; i < 2; i++) {
        const struct option_value *v = nbqc_option(j, ids[i]);
        if (v->count <= 1 || v->count == in->dims[1]) continue;
        diag(j->c, nbqc_channels, j->model, option_rows[ids[i]].name, v->count, in->name,
             (long long)in->dims[1]);
        return false;
    }
    const struct image_fit *f = &j->pass.preprocess.fit;
    long long height = in->dims[2], width = in->dims[3];
    if (image_can_become(f, height, width)) return true;
    if (f->crop)
        diag(j->c, nbqc_crop, j->model, f->crop, in->name, height, width);
    else
        diag(j->c, nbqc_resize, j->model, f->resize, f->resize, in->name, height, width);
    return false;
}

static bool holds_integers(const struct ir_graph *g) {
    for (const struct ir_node *n = g->first; n; n = n->next)
        if (ir_op_info(n->op)->level == IR_LEVEL_QUANT) return true;
    return false;
}

/* Integers are what they are: options that say how to find them would be taken and do nothing. A
 * byte image still passes through the preprocessing, which the text does not hold. */
static void warn_of_unused(const struct nbqc_job *j, const struct ir_graph *g) {
    static const enum option_id ids[] = {OPT_bits,        OPT_terms,        OPT_rounding, OPT_calib,
                                         OPT_calib_count, OPT_calib_method, OPT_seed};
    if (!holds_integers(g)) return;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (nbqc_option(j, ids[i])->given)
            diag(j->c, nbqc_unused, j->model, option_rows[ids[i]].name);
    if (!j->pass.preprocess.given && j->emit == EMIT_SVPE) diag(j->c, nbqc_plain_image, j->model);
}

/* Whether every layer finds room on the target follows from shapes alone; data to calibrate on can
 * take minutes to say what takes a moment here. */
static bool fits_target(void *user, const struct ir_graph *g, const struct pass_info *p) {
    struct nbqc_job *j = user;
    bool graph = j->emit == EMIT_IR || j->emit == EMIT_DOT || j->emit == EMIT_ONNX;
    bool program = !graph && j->emit != EMIT_NOTHING;
    if (!program || !j->pass.calib_spec || strcmp(p->name, "calibrate") != 0) return true;
    struct be_options o = {j->pass.target, j->pass.act_bits, NULL, j->pass.preprocess};
    struct ir_graph *outline = pass_outline(g, &j->pass);
    if (!outline) return false;
    struct be_plan *plan = be_plan(j->c, outline, &o);
    arena_free(outline->arena);
    if (!plan) return false;
    arena_free(plan->arena);
    return true;
}

static bool write_program(struct nbqc_job *j, const struct ir_graph *g, struct writer *to) {
    struct be_options o = {j->pass.target, j->pass.act_bits, j->schedule, j->pass.preprocess};
    double start = milliseconds();
    const struct be_plan *plan = be_plan(j->c, g, &o);
    if (!plan) return false;
    say_step(j, "plan", start);
    if (j->emit == EMIT_PLAN) {
        be_plan_print(plan, to);
        return true;
    }
    start = milliseconds();
    const struct svpe_program *p = be_lower(j->c, plan, &o);
    if (!p) return false;
    say_step(j, "lower", start);
    if (j->emit == EMIT_ASM)
        svpe_disassemble(p->code, p->code_bytes, to);
    else if (j->emit == EMIT_REPORT)
        be_report_text(plan, p, to);
    else if (j->emit == EMIT_REPORT_JSON)
        be_report_json(plan, p, to);
    else
        svpe_write(p, to);
    return true;
}

static bool write_result(struct nbqc_job *j, struct ir_graph *g, struct writer *to) {
    switch (j->emit) {
    case EMIT_IR:
        ir_print(g, j->run.print_flags, to);
        return true;
    case EMIT_DOT:
        ir_print_dot(g, to);
        return true;
    case EMIT_ONNX:
        return fe_export(g, to);
    case EMIT_SVPE:
    case EMIT_PLAN:
    case EMIT_ASM:
    case EMIT_REPORT:
    case EMIT_REPORT_JSON:
        return write_program(j, g, to);
    case EMIT_NOTHING:
        break;
    }
    return true;
}

/* A pass that breaks its own contract is a fault of this program, not of the model. */
static int failure(const struct nbqc_job *j) {
    bool ours = diag_find(j->c, "pass_broken_claim") || diag_find(j->c, "pass_silent");
    return ours ? EXIT_INTERNAL : EXIT_BAD_INPUT;
}

static int compile(struct nbqc_job *j) {
    struct writer w;
    writer_init(&w, j->a);
    double start = milliseconds();
    struct ir_graph *g = read_model(j);
    if (!g) return diag_find(j->c, "fe_dim_form") ? EXIT_USAGE : EXIT_BAD_INPUT;
    if (!check_preprocess(j, g)) return EXIT_USAGE;
    say_step(j, "read", start);
    warn_of_unused(j, g);
    j->run.before = fits_target;
    j->run.user = j;
    if (!pass_pipeline(g, &j->pass, &j->run)) return failure(j);
    if (!command_flush(j->c)) return EXIT_BAD_INPUT;
    if (!write_result(j, g, &w)) return failure(j);
    if (j->emit == EMIT_NOTHING) return EXIT_OK;
    start = milliseconds();
    if (!file_replace(j->c, j->output ? j->output : "-", w.data, w.size)) return EXIT_BAD_INPUT;
    say_step(j, "write", start);
    return EXIT_OK;
}

/* EXIT_OK, or EXIT_USAGE after saying what is wrong. */
static int print_operators(const struct nbqc_job *j) {
    const struct option_words *forms = &nbqc_words[OPT_supported];
    struct writer w;
    int form = 0;
    if (nbqc_option(j, OPT_supported)->text)
        form = option_choice(j->c, j->a, j->set, OPT_supported, forms->names, forms->count, 0);
    if (form < 0) return EXIT_USAGE;
    writer_init(&w, j->a);
    if (form)
        fe_supported_ops_json(&w);
    else
        fe_supported_ops(&w);
    fputs(writer_string(&w), stdout);
    return EXIT_OK;
}

/* Options that print something and end: an exit code, or −1 if there was none. */
static int answer(const struct nbqc_job *j) {
    struct writer w;
    writer_init(&w, j->a);
    if (nbqc_option(j, OPT_supported)->given)
        return print_operators(j);
    else if (nbqc_option(j, OPT_report_keys)->given) {
        be_report_manual(&w);
        fputs(writer_string(&w), stdout);
    } else if (nbqc_option(j, OPT_list_passes)->given)
        pass_print_list(stdout);
    else if (nbqc_option(j, OPT_list_targets)->given)
        for (int i = 0; i < svpe_target_count(); i++) puts(svpe_target_name(i));
    else
        return -1;
    return EXIT_OK;
}

static int run(struct command *k) {
    struct nbqc_job j = {.c = k->c, .a = k->a, .set = &k->set};
    int rc = answer(&j);
    if (rc >= 0) return rc;
    rc = nbqc_read_options(&j);
    return rc == EXIT_OK ? compile(&j) : rc;
}

/* What a pass lets go of is to go back to the system, not to lie in the way of what comes next:
 * glibc would raise this bound to the largest block freed. */
static void free_blocks_at_once(void) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
#endif
}

int main(int argc, char **argv) {
    static const struct option_set set = {
        .tool = "nbqc",
        .usage = "MODEL.onnx -o MODEL.svpe [options]",
        .summary =
            "Compiles an ONNX model (or IR text, .nir) for shift vector processing elements.",
        .rows = option_rows,
        .row_count = OPTION_COUNT,
        .words = nbqc_words,
    };
    free_blocks_at_once();
    return command_main(&set, run, argc, argv);
}
