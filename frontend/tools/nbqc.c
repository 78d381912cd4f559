/* nbqc: an ONNX model in, a program out. Reads the command line (frontend/nbqc.opt.def), calls the
 * rooms one after the other, writes the result only if all went well. */
#include "backend/backend.h"
#include "base/file.h"
#include "base/options.h"
#include "frontend/diag.h"
#include "frontend/frontend.h"
#include "passes/passes.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum option_id {
#define OPTION(id, ...) OPT_##id,
#include "frontend/nbqc.opt.def"
#undef OPTION
    OPTION_COUNT
};

static const struct option_row option_rows[OPTION_COUNT] = {
#define OPTION(id, name, letter, kind, argument, min, max, help)                                   \
    {name, letter, OPT_##kind, argument, help, min, max},
#include "frontend/nbqc.opt.def"
#undef OPTION
};

enum emit { EMIT_SVPE, EMIT_IR, EMIT_PLAN, EMIT_ASM, EMIT_DOT, EMIT_NOTHING };
static const char *const emit_names[] = {"svpe", "ir", "plan", "asm", "dot"};
static const char *const method_names[] = {[CALIB_MINMAX] = "minmax", [CALIB_MSE] = "mse"};

enum { DEFAULT_BITS = 4, DEFAULT_COUNT = 512, DEFAULT_SEED = 1, CHANNELS_MAX = 4 };

/* What the command line says. */
struct job {
    struct ctx *c;
    struct arena *a;
    struct option_set set;
    const char *model, *output; /* output NULL: standard output */
    enum emit emit;
    struct pass_options pass;
    struct pass_run run;
    const char *schedule;
    bool verbose;
};

static const struct option_value *option(const struct job *j, enum option_id id) {
    return &j->set.values[id];
}

static long long number_or(const struct job *j, enum option_id id, long long otherwise) {
    return option(j, id)->given ? option(j, id)->number : otherwise;
}

/* Index of an option's word among names, `otherwise` if it was not given, −1 after saying that it
 * is none of them. */
static int choice(const struct job *j, enum option_id id, const char *const *names, int count,
                  int otherwise) {
    const char *word = option(j, id)->text;
    if (!option(j, id)->given) return otherwise;
    struct writer w;
    writer_init(&w, j->a);
    for (int i = 0; i < count; i++) {
        if (!strcmp(names[i], word)) return i;
        write_text(&w, "%s%s", i == 0 ? "" : i + 1 < count ? ", " : " or ", names[i]);
    }
    const char *near = nearest_name(word, names, count), *all = writer_string(&w);
    if (near)
        diag(j->c, nbqc_choice_near, NULL, option_rows[id].name, all, word, near);
    else
        diag(j->c, nbqc_choice, NULL, option_rows[id].name, all, word);
    return -1;
}

/* --- Files --- */

static bool read_files(struct job *j) {
    if (j->set.positional_count == 0) {
        diag(j->c, nbqc_no_model, NULL);
        return false;
    }
    if (j->set.positional_count > 1) {
        diag(j->c, nbqc_two_models, NULL, j->set.positional[0], j->set.positional[1]);
        return false;
    }
    j->model = j->set.positional[0];
    j->output = option(j, OPT_output)->text;
    const char *inputs[] = {j->model, option(j, OPT_schedule)->text, option(j, OPT_target)->text};
    for (size_t i = 0; j->output && i < sizeof inputs / sizeof *inputs; i++) {
        if (!inputs[i] || !file_same(j->output, inputs[i])) continue;
        diag(j->c, nbqc_over_input, NULL, j->output, inputs[i]);
        return false;
    }
    return true;
}

/* Without --emit, a pipeline that is cut short or only looked at gives its IR, or the dumps that
 * were asked for. */
static bool read_emit(struct job *j) {
    bool dumps = option(j, OPT_print_after)->given || option(j, OPT_print_all)->given;
    bool cut = j->run.stop_after || j->run.names;
    int otherwise = EMIT_SVPE;
    if (!j->output && dumps) otherwise = EMIT_NOTHING;
    if (cut && !(dumps && !j->output)) otherwise = EMIT_IR;
    int emit = choice(j, OPT_emit, emit_names, EMIT_NOTHING, otherwise);
    if (emit < 0) return false;
    j->emit = (enum emit)emit;
    if (j->run.stop_after && emit != EMIT_IR && emit != EMIT_DOT && emit != EMIT_NOTHING) {
        diag(j->c, nbqc_stopped, NULL, emit_names[emit]);
        return false;
    }
    if (emit == EMIT_SVPE && !j->output) {
        diag(j->c, nbqc_no_output, NULL);
        return false;
    }
    if (emit == EMIT_SVPE && !strcmp(j->output, "-") && isatty(STDOUT_FILENO)) {
        diag(j->c, nbqc_terminal, NULL);
        return false;
    }
    return true;
}

/* --- Passes --- */

static bool check_pass(const struct job *j, enum option_id id, const char *word) {
    if (pass_find(word)) return true;
    const char **names = arena_array(j->a, (size_t)pass_count(), sizeof *names);
    for (int i = 0; i < pass_count(); i++) names[i] = pass_at(i)->name;
    const char *near = nearest_name(word, names, pass_count());
    if (near)
        diag(j->c, nbqc_pass_near, NULL, option_rows[id].name, word, near);
    else
        diag(j->c, nbqc_pass, NULL, option_rows[id].name, word);
    return false;
}

/* "a,b,c" */
static bool split_passes(struct job *j, const char *text) {
    const char **names = arena_array(j->a, strlen(text) + 1, sizeof *names);
    bool good = true;
    j->run.names = names;
    while (*text) {
        size_t n = strcspn(text, ",");
        names[j->run.count] = arena_strndup(j->a, text, n);
        good &= check_pass(j, OPT_passes, names[j->run.count++]);
        text += n + (text[n] == ',');
    }
    return good;
}

static bool read_passes(struct job *j) {
    struct pass_run *r = &j->run;
    const struct option_value *after = option(j, OPT_print_after);
    bool good = true;
    if (option(j, OPT_passes)->given) good &= split_passes(j, option(j, OPT_passes)->text);
    r->stop_after = option(j, OPT_stop_after)->text;
    if (r->stop_after) good &= check_pass(j, OPT_stop_after, r->stop_after);
    r->print_after = after->list;
    r->print_after_count = after->count;
    for (int i = 0; i < after->count; i++) good &= check_pass(j, OPT_print_after, after->list[i]);
    r->print_after_all = option(j, OPT_print_all)->given;
    r->print_flags = option(j, OPT_print_data)->given ? IR_PRINT_DATA : 0;
    bool taken = j->output && !strcmp(j->output, "-"); /* by the result itself */
    r->print_to = taken ? stderr : stdout;
    r->verbose = j->verbose;
    return good;
}

/* --- Numbers --- */

static bool read_weight_bits(struct job *j) {
    const struct svpe_target *t = j->pass.target;
    bool multiply = t->element == SVPE_ELEMENT_MULTIPLY;
    long long most = t->weight_bits;
    long long bits = number_or(j, OPT_bits, multiply || most < DEFAULT_BITS ? most : DEFAULT_BITS);
    j->pass.weight_bits = (int)bits;
    if (bits <= most && (!multiply || bits == 8 || bits == 16)) return true;
    const char *offered = !multiply   ? arena_printf(j->a, "1 to %lld", most)
                          : most < 16 ? "8"
                                      : "8 or 16";
    diag(j->c, nbqc_bits, NULL, bits, t->name, offered);
    return false;
}

static bool read_act_bits(struct job *j) {
    const struct svpe_target *t = j->pass.target;
    long long bits = number_or(j, OPT_act_bits, t->act8 ? 8 : 16);
    j->pass.act_bits = (int)bits;
    if ((bits == 8 && t->act8) || (bits == 16 && t->act16)) return true;
    diag(j->c, nbqc_act_bits, NULL, bits, t->name,
         t->act8 && t->act16 ? "8 or 16"
         : t->act8           ? "8"
                             : "16");
    return false;
}

static void fill(double *to, const struct option_value *v, double otherwise) {
    for (int i = 0; i < CHANNELS_MAX; i++)
        to[i] = !v->given ? otherwise : v->count == 1 ? v->floats[0] : v->floats[i];
}

static bool read_preprocess(struct job *j) {
    struct preprocess *p = &j->pass.preprocess;
    const struct option_value *scale = option(j, OPT_scale), *mean = option(j, OPT_mean);
    const struct option_value *std = option(j, OPT_std);
    p->bgr = option(j, OPT_bgr)->given;
    p->given = scale->given || mean->given || std->given || p->bgr;
    p->scale = scale->given ? scale->floats[0] : 1.0 / 255;
    fill(p->mean, mean, 0);
    fill(p->std, std, 1);
    if (p->scale == 0) {
        diag(j->c, nbqc_scale_zero, NULL);
        return false;
    }
    for (int i = 0; i < std->count; i++)
        if (!(std->floats[i] > 0)) {
            diag(j->c, nbqc_std, NULL, std->floats[i]);
            return false;
        }
    if (scale->count <= 1) return true;
    diag(j->c, nbqc_scale, NULL, scale->count);
    return false;
}

/* A wrong name is a wrong command line; a file that cannot be read or has faults is bad input. */
static int read_target(struct job *j) {
    const char *name = option(j, OPT_target)->given ? option(j, OPT_target)->text : "zcu102";
    j->pass.target = svpe_target_find(j->c, j->a, name);
    if (j->pass.target) return EXIT_OK;
    bool unknown = diag_find(j->c, "target_unknown") || diag_find(j->c, "target_unknown_near");
    return unknown ? EXIT_USAGE : EXIT_BAD_INPUT;
}

static bool read_numbers(struct job *j) {
    struct pass_options *p = &j->pass;
    int method = choice(j, OPT_calib_method, method_names, 2, CALIB_MSE);
    p->calib = method < 0 ? CALIB_MSE : (enum calib_method)method;
    p->calib_spec = option(j, OPT_calib)->text;
    p->calib_count = (long)number_or(j, OPT_calib_count, DEFAULT_COUNT);
    p->seed = (uint64_t)number_or(j, OPT_seed, DEFAULT_SEED);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    p->threads = (int)number_or(j, OPT_threads, processors > 0 ? processors : 1);
    j->schedule = option(j, OPT_schedule)->text;
    bool good = method >= 0;
    good &= read_weight_bits(j);
    good &= read_act_bits(j);
    return read_preprocess(j) && good;
}

/* --- The job --- */

static double milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static void say_step(const struct job *j, const char *name, double start) {
    if (j->verbose) diag(j->c, nbqc_step, NULL, name, milliseconds() - start);
}

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

/* IR text by its name, or by its first bytes: an ONNX file starts with a field key, below the
 * printable characters. */
static bool is_text(const char *path, const struct file_view *f) {
    enum { LOOK = 16 };
    if (ends_with(path, ".nir")) return true;
    if (ends_with(path, ".onnx") || f->size == 0) return false;
    for (size_t i = 0; i < f->size && i < LOOK; i++)
        if ((f->data[i] < ' ' && !memchr("\t\r\n", f->data[i], 3)) || f->data[i] > '~')
            return false;
    return true;
}

static struct ir_graph *read_model(struct job *j) {
    const struct option_value *dims = option(j, OPT_dim);
    struct file_view f;
    if (!file_map(j->c, j->model, &f)) return NULL;
    if (is_text(j->model, &f)) {
        if (!dims->given) return ir_parse(j->c, j->model, (const char *)f.data, f.size);
        diag(j->c, nbqc_dim_text, NULL, j->model);
        return NULL;
    }
    struct fe_options o = {dims->list, dims->count};
    return fe_import_bytes(j->c, j->model, f.data, f.size, &o);
}

static bool check_channels(const struct job *j, const struct ir_graph *g) {
    static const enum option_id ids[] = {OPT_mean, OPT_std};
    const struct ir_value *in = g->input_count ? g->inputs[0] : NULL;
    if (!in || in->rank != 4) return true;
    for (int i = 0; i < 2; i++) {
        const struct option_value *v = option(j, ids[i]);
        if (v->count <= 1 || v->count == in->dims[1]) continue;
        diag(j->c, nbqc_channels, j->model, option_rows[ids[i]].name, v->count, in->name,
             (long long)in->dims[1]);
        return false;
    }
    return true;
}

/* Integers are what they are: options that say how to find them would be taken and do nothing. A
 * byte image still passes through the preprocessing, which the text does not hold. */
static void warn_of_unused(const struct job *j, const struct ir_graph *g) {
    static const enum option_id ids[] = {OPT_bits, OPT_calib, OPT_calib_count, OPT_calib_method,
                                         OPT_seed};
    if (!(pass_properties_of(g) >> PASS_BIT_QUANTIZED & 1)) return;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        if (option(j, ids[i])->given) diag(j->c, nbqc_unused, j->model, option_rows[ids[i]].name);
    if (!j->pass.preprocess.given && j->emit == EMIT_SVPE) diag(j->c, nbqc_plain_image, j->model);
}

static bool write_program(struct job *j, const struct ir_graph *g, struct writer *to) {
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
    else
        svpe_write(p, to);
    return true;
}

static bool write_result(struct job *j, const struct ir_graph *g, struct writer *to) {
    switch (j->emit) {
    case EMIT_IR:
        ir_print(g, j->run.print_flags, to);
        return true;
    case EMIT_DOT:
        ir_print_dot(g, to);
        return true;
    case EMIT_SVPE:
    case EMIT_PLAN:
    case EMIT_ASM:
        return write_program(j, g, to);
    case EMIT_NOTHING:
        break;
    }
    return true;
}

/* Everything printed so far has to have arrived. */
static bool flush_output(const struct job *j) {
    bool good = fflush(stdout) == 0;
    if (good && !ferror(stdout)) return true;
    diag(j->c, nbqc_stdout, NULL, good ? "a write failed" : strerror(errno));
    return false;
}

/* A pass that breaks its own contract is a fault of this program, not of the model. */
static int failure(const struct job *j) {
    bool ours = diag_find(j->c, "pass_broken_claim") || diag_find(j->c, "pass_silent");
    return ours ? EXIT_INTERNAL : EXIT_BAD_INPUT;
}

static int compile(struct job *j) {
    struct writer w;
    writer_init(&w, j->a);
    double start = milliseconds();
    struct ir_graph *g = read_model(j);
    if (!g || !check_channels(j, g)) return EXIT_BAD_INPUT;
    say_step(j, "read", start);
    warn_of_unused(j, g);
    if (!pass_pipeline(g, &j->pass, &j->run)) return failure(j);
    if (!flush_output(j)) return EXIT_BAD_INPUT;
    if (!write_result(j, g, &w)) return failure(j);
    if (j->emit == EMIT_NOTHING) return EXIT_OK;
    start = milliseconds();
    if (!file_replace(j->c, j->output ? j->output : "-", w.data, w.size)) return EXIT_BAD_INPUT;
    say_step(j, "write", start);
    return EXIT_OK;
}

/* Options that print something and end; true if there was one. */
static bool answer(struct job *j) {
    struct writer w;
    writer_init(&w, j->a);
    if (option(j, OPT_help)->given)
        options_help(&j->set, stdout);
    else if (option(j, OPT_version)->given)
        printf("nbqc %s\n", NBQ_VERSION);
    else if (option(j, OPT_supported)->given) {
        fe_supported_ops(&w);
        fputs(writer_string(&w), stdout);
    } else if (option(j, OPT_list_passes)->given)
        pass_print_list(stdout);
    else if (option(j, OPT_list_targets)->given)
        for (int i = 0; i < svpe_target_count(); i++) puts(svpe_target_name(i));
    else
        return false;
    return true;
}

static int run(struct ctx *c, int argc, char **argv) {
    struct job j = {.c = c, .a = arena_new(c)};
    j.set = (struct option_set){.tool = "nbqc",
                                .usage = "MODEL.onnx -o MODEL.svpe [options]",
                                .summary = "Compiles an ONNX model (or IR text, .nir) for shift "
                                           "vector processing elements.",
                                .rows = option_rows,
                                .row_count = OPTION_COUNT};
    if (!options_parse(c, j.a, &j.set, argc, argv)) return EXIT_USAGE;
    if (answer(&j)) return flush_output(&j) ? EXIT_OK : EXIT_BAD_INPUT;
    j.verbose = option(&j, OPT_verbose)->given;
    if (!read_files(&j) || !read_passes(&j) || !read_emit(&j)) return EXIT_USAGE;
    int rc = read_target(&j);
    if (rc != EXIT_OK) return rc;
    return read_numbers(&j) ? compile(&j) : EXIT_USAGE;
}

int main(int argc, char **argv) {
    struct ctx c;
    ctx_init(&c, "nbqc", stderr);
    int rc;
    if (setjmp(c.oom)) {
        fputs("nbqc: error: out of memory\n", stderr);
        rc = EXIT_INTERNAL;
    } else {
        rc = run(&c, argc, argv);
    }
    ctx_free(&c);
    return rc;
}
