/* nbqc's command line (frontend/nbqc.opt.def): from words to a job, each refused for what it is. */
#include "base/file.h"
#include "frontend/diag.h"
#include "frontend/tools/nbqc.h"

#include <string.h>
#include <unistd.h>

static const char *const emit_names[EMIT_NOTHING + 1] = {
    "svpe", "ir", "plan", "asm", "dot", "onnx", "report", "report-json", [EMIT_NOTHING] = ""};
static const char *const supported_names[] = {"text", "json"};
static const char *const rounding_names[] = {
#define ROUNDER(function, name, meaning) [ROUND_##function] = name,
#include "passes/quant/rounders.def"
#undef ROUNDER
};
static const char *const rounding_meanings[] = {
#define ROUNDER(function, name, meaning) [ROUND_##function] = meaning,
#include "passes/quant/rounders.def"
#undef ROUNDER
};
static const char *const fallback_names[] = {[FALLBACK_HOST] = "host", [FALLBACK_ERROR] = "error"};
static const char *const fallback_meanings[] = {
    [FALLBACK_HOST] = "the host runs them, from the same program file",
    [FALLBACK_ERROR] = "each is an error"};
static const char *const method_names[] = {[CALIB_MINMAX] = "minmax", [CALIB_MSE] = "mse"};

const struct option_words nbqc_words[OPTION_COUNT] = {
    [OPT_supported] = {supported_names, NULL, 2, 0},
    [OPT_emit] = {emit_names, NULL, EMIT_NOTHING, EMIT_SVPE},
    [OPT_rounding] = {rounding_names, rounding_meanings, ROUND_COUNT, 0},
    [OPT_calib_method] = {method_names, NULL, 2, CALIB_MSE},
    [OPT_fallback] = {fallback_names, fallback_meanings, 2, FALLBACK_HOST},
    [OPT_resize_filter] = {image_filters, NULL, 2, 0},
};

enum { DEFAULT_BITS = 4, DEFAULT_COUNT = 512, DEFAULT_SEED = 1 };

const struct option_value *nbqc_option(const struct nbqc_job *j, enum option_id id) {
    return &j->set->values[id];
}

static long long number_or(const struct nbqc_job *j, enum option_id id, long long otherwise) {
    return nbqc_option(j, id)->given ? nbqc_option(j, id)->number : otherwise;
}

static int choice(const struct nbqc_job *j, enum option_id id, int otherwise) {
    const struct option_words *w = &nbqc_words[id];
    return option_choice(j->c, j->a, j->set, (int)id, w->names, w->count, otherwise);
}

/* --- Files --- */

static bool read_files(struct nbqc_job *j) {
    if (j->set->positional_count == 0) {
        diag(j->c, nbqc_no_model, NULL);
        return false;
    }
    if (j->set->positional_count > 1) {
        diag(j->c, nbqc_two_models, NULL, j->set->positional[0], j->set->positional[1]);
        return false;
    }
    j->model = j->set->positional[0];
    j->output = nbqc_option(j, OPT_output)->text;
    const char *inputs[] = {j->model, nbqc_option(j, OPT_schedule)->text,
                            nbqc_option(j, OPT_target)->text};
    for (size_t i = 0; j->output && i < sizeof inputs / sizeof *inputs; i++) {
        if (!inputs[i] || !file_same(j->output, inputs[i])) continue;
        diag(j->c, nbqc_over_input, NULL, j->output, inputs[i]);
        return false;
    }
    return true;
}

bool nbqc_ends_with(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

/* A name that promises something else is a slip, most likely onto a file that is dear. */
static bool check_ending(const struct nbqc_job *j, int emit) {
    static const struct {
        const char *ending, *what;
        int emit;
    } rows[] = {{".onnx", "an ONNX model", EMIT_ONNX},
                {".nir", "IR text", EMIT_IR},
                {".s", "assembly text", EMIT_ASM}};
    if (!j->output) return true;
    if (emit != EMIT_SVPE && nbqc_ends_with(j->output, ".svpe")) {
        diag(j->c, nbqc_not_program, NULL, j->output, emit_names[emit]);
        return false;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (emit == rows[i].emit || !nbqc_ends_with(j->output, rows[i].ending)) continue;
        diag(j->c, nbqc_not_this, NULL, j->output, rows[i].what, emit_names[emit]);
        return false;
    }
    return true;
}

/* Without --emit, a pipeline that is cut short or only looked at gives its IR, or the dumps that
 * were asked for. */
static bool read_emit(struct nbqc_job *j) {
    bool dumps = nbqc_option(j, OPT_print_after)->given || nbqc_option(j, OPT_print_all)->given;
    bool cut = j->run.stop_after || j->run.names;
    int otherwise = EMIT_SVPE;
    if (!j->output && dumps) otherwise = EMIT_NOTHING;
    if (cut && !(dumps && !j->output)) otherwise = EMIT_IR;
    int emit = choice(j, OPT_emit, otherwise);
    if (emit < 0) return false;
    j->emit = (enum nbqc_emit)emit;
    bool graph = emit == EMIT_IR || emit == EMIT_DOT || emit == EMIT_ONNX;
    if (j->run.stop_after && !graph && emit != EMIT_NOTHING) {
        diag(j->c, nbqc_stopped, NULL, emit_names[emit]);
        return false;
    }
    if (!check_ending(j, emit)) return false;
    bool binary = emit == EMIT_SVPE || emit == EMIT_ONNX;
    if (binary && !j->output) {
        diag(j->c, nbqc_no_output, NULL);
        return false;
    }
    if (binary && !strcmp(j->output, "-") && isatty(STDOUT_FILENO)) {
        diag(j->c, nbqc_terminal, NULL);
        return false;
    }
    return true;
}

/* --- Passes --- */

static bool check_pass(const struct nbqc_job *j, enum option_id id, const char *word) {
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
static bool split_passes(struct nbqc_job *j, const char *text) {
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

static bool read_passes(struct nbqc_job *j) {
    struct pass_run *r = &j->run;
    const struct option_value *after = nbqc_option(j, OPT_print_after);
    bool good = true;
    if (nbqc_option(j, OPT_passes)->given)
        good &= split_passes(j, nbqc_option(j, OPT_passes)->text);
    r->stop_after = nbqc_option(j, OPT_stop_after)->text;
    if (r->stop_after) good &= check_pass(j, OPT_stop_after, r->stop_after);
    r->print_after = after->list;
    r->print_after_count = after->count;
    for (int i = 0; i < after->count; i++) good &= check_pass(j, OPT_print_after, after->list[i]);
    r->print_after_all = nbqc_option(j, OPT_print_all)->given;
    r->print_flags = nbqc_option(j, OPT_print_data)->given ? IR_PRINT_DATA : 0;
    bool taken = j->output && !strcmp(j->output, "-"); /* by the result itself */
    r->print_to = taken ? stderr : stdout;
    r->verbose = j->verbose;
    return good;
}

/* --- Numbers --- */

static bool read_weight_bits(struct nbqc_job *j) {
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

static bool read_terms(struct nbqc_job *j) {
    long long terms = number_or(j, OPT_terms, 1);
    j->pass.terms = (int)terms;
    if (terms == 1 || j->pass.target->element == SVPE_ELEMENT_SHIFT) return true;
    diag(j->c, nbqc_terms, NULL, terms, j->pass.target->name);
    return false;
}

static bool read_act_bits(struct nbqc_job *j) {
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

/* Said before any work, as what would never be used is not what was meant. */
static bool check_calib(const struct nbqc_job *j) {
    static const enum option_id ids[] = {OPT_calib_count, OPT_calib_method};
    for (size_t i = 0; i < 2 && !j->pass.calib_spec; i++) {
        if (!nbqc_option(j, ids[i])->given) continue;
        diag(j->c, nbqc_no_calib, NULL, option_rows[ids[i]].name);
        return false;
    }
    return !j->pass.calib_spec || data_check_kind(j->c, j->pass.calib_spec);
}

/* A wrong name is a wrong command line; a file that cannot be read or has faults is bad input. */
static int read_target(struct nbqc_job *j) {
    const char *name =
        nbqc_option(j, OPT_target)->given ? nbqc_option(j, OPT_target)->text : "zcu102";
    j->pass.target = svpe_target_find(j->c, j->a, name);
    if (j->pass.target) return EXIT_OK;
    bool unknown = diag_find(j->c, "target_unknown") || diag_find(j->c, "target_unknown_near");
    return unknown ? EXIT_USAGE : EXIT_BAD_INPUT;
}

static bool read_numbers(struct nbqc_job *j) {
    struct pass_options *p = &j->pass;
    int method = choice(j, OPT_calib_method, CALIB_MSE);
    p->calib = method < 0 ? CALIB_MSE : (enum calib_method)method;
    int rounding = choice(j, OPT_rounding, 0);
    p->rounding = rounding < 0 ? 0 : (enum weight_rounding)rounding;
    int fallback = choice(j, OPT_fallback, FALLBACK_HOST);
    p->fallback = fallback < 0 ? FALLBACK_HOST : (enum pass_fallback)fallback;
    p->calib_spec = nbqc_option(j, OPT_calib)->text;
    p->calib_count = (long)number_or(j, OPT_calib_count, DEFAULT_COUNT);
    p->seed = (uint64_t)number_or(j, OPT_seed, DEFAULT_SEED);
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    p->threads = (int)number_or(j, OPT_threads, processors > 0 ? processors : 1);
    j->schedule = nbqc_option(j, OPT_schedule)->text;
    bool good = method >= 0 && rounding >= 0 && fallback >= 0;
    good &= read_weight_bits(j);
    good &= read_terms(j);
    good &= read_act_bits(j);
    good &= check_calib(j);
    return preprocess_read(j->c, j->a, j->set, &p->preprocess) && good;
}

/* What would fail only after the calibration is said now. */
static bool check_files(const struct nbqc_job *j) {
    bool good = !j->schedule || file_check_read(j->c, j->schedule);
    if (j->output && j->emit != EMIT_NOTHING) good &= file_check_write(j->c, j->output);
    return good;
}

int nbqc_read_options(struct nbqc_job *j) {
    j->verbose = nbqc_option(j, OPT_verbose)->given;
    if (!read_files(j) || !read_passes(j) || !read_emit(j)) return EXIT_USAGE;
    int rc = read_target(j);
    if (rc != EXIT_OK) return rc;
    if (!read_numbers(j)) return EXIT_USAGE;
    return check_files(j) ? EXIT_OK : EXIT_BAD_INPUT;
}
