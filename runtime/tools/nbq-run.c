/* nbq-run: runs a program on a device (or, with --reference, an ONNX model in float): once on a
 * given or a random input, or over a dataset. The command line is nbq-run.opt.def. */
#include "runtime/tools/run.h"

#include "base/base_diag.h"
#include "base/command.h"
#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define OPTION_TABLE "runtime/tools/nbq-run.opt.def"
#include "base/option_table.def"

enum { MESSAGE_ROOM = 1024, FAULT_ROOM = 16384 };

struct tool {
    struct ctx *c;
    struct arena *a;
    const struct option_set *set;
    const char *path; /* of the program, "-": standard input */
    struct run_job job;
    bool json;
    FILE *to; /* what is printed; standard error while the output goes to standard output */
};

static const struct option_value *option(const struct tool *t, enum option_id id) {
    return &t->set->values[id];
}

static long long number_or(const struct tool *t, enum option_id id, long long otherwise) {
    return option(t, id)->given ? option(t, id)->number : otherwise;
}

/* ---- The command line ---- */

static bool usage(struct tool *t, const char *message) {
    diag(t->c, run_option, NULL, message);
    return false;
}

static bool read_preprocess(struct tool *t) {
    static const enum option_id ids[] = {
        OPT_resize, OPT_crop, OPT_resize_filter, OPT_scale, OPT_mean, OPT_std, OPT_bgr};
    bool given = false;
    for (size_t n = 0; n < sizeof ids / sizeof *ids; n++) given |= option(t, ids[n])->given;
    if (given && !t->job.reference)
        return usage(t,
                     "--resize, --crop, --resize-filter, --scale, --mean, --std and --bgr belong "
                     "to --reference; a program carries its own");
    t->job.mean_count = option(t, OPT_mean)->count;
    t->job.std_count = option(t, OPT_std)->count;
    if (!preprocess_read(t->c, t->a, t->set, &t->job.preprocess)) return false;
    if (!given || option(t, OPT_data)->given || option(t, OPT_input)->given) return true;
    return usage(t, "preprocessing is for images of --input or --data; there are none");
}

static bool read_model(struct tool *t) {
    bool program = t->set->positional_count > 0;
    t->job.reference = option(t, OPT_reference)->text;
    if (program && t->job.reference)
        return usage(t, "--reference runs in place of a program; found both");
    if (t->set->positional_count > 1) return usage(t, "expected one program, found several");
    if (!program && !t->job.reference) {
        diag(t->c, run_no_model, NULL);
        return false;
    }
    const char *against = option(t, OPT_against)->text;
    if ((t->job.reference && !strcmp(t->job.reference, "-")) || (against && !strcmp(against, "-")))
        return usage(t, "a float model is read by each thread; give a file, not '-'");
    t->path = program ? t->set->positional[0] : t->job.reference;
    t->job.file = file_name(t->path);
    if (t->job.reference && option(t, OPT_check)->given)
        return usage(t, "--check looks at a program's tokens; --reference has none");
    if (t->job.reference && option(t, OPT_device)->given)
        return usage(t, "--device runs a program; --reference runs without one");
    return true;
}

static bool read_device(struct tool *t) {
    int count = 0;
    while (nbq_device(count)) count++;
    const char **names = arena_array(t->a, (size_t)count, sizeof *names);
    for (int n = 0; n < count; n++) names[n] = nbq_device(n);
    int device = option_choice(t->c, t->a, t->set, OPT_device, names, count, 0);
    t->job.device = nbq_device(device);
    return device >= 0;
}

static bool read_options(struct tool *t) {
    if (!read_model(t) || !read_preprocess(t) || !read_device(t)) return false;
    bool data = option(t, OPT_data)->given;
    if (data && !data_check_kind(t->c, option(t, OPT_data)->text)) return false;
    for (int n = 0; n < option(t, OPT_input)->count; n++)
        if (!strcmp(option(t, OPT_input)->list[n], "-"))
            return usage(t, "--input: the kind of a file is told by its name's ending, which '-' "
                            "has not; give a .npy, .pb, .png or .jpg file");
    if (!data && option(t, OPT_label_offset)->given)
        return usage(t, "--label-offset goes with --data");
    if (data && option(t, OPT_input)->given)
        return usage(t, "expected --input or --data, found both");
    if (data && option(t, OPT_output)->given) return usage(t, "--output does not go with --data");
    if (!data && option(t, OPT_count)->given) return usage(t, "--count goes with --data");
    if ((data || option(t, OPT_input)->given) && option(t, OPT_seed)->given)
        return usage(t, "--seed draws a random input; it does not go with --input or --data");
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    t->job.threads = (int)number_or(t, OPT_threads, processors > 0 ? processors : 1);
    t->job.against = option(t, OPT_against)->text;
    t->job.dims = option(t, OPT_dim)->list;
    t->job.dim_count = option(t, OPT_dim)->count;
    t->job.outputs = option(t, OPT_outputs)->list;
    t->job.output_count = option(t, OPT_outputs)->count;
    t->job.inputs = option(t, OPT_inputs)->list;
    t->job.input_count = option(t, OPT_inputs)->count;
    bool cut = t->job.output_count || t->job.input_count;
    if ((t->job.dim_count || cut) && !t->job.reference && !t->job.against)
        return usage(t, cut ? "--inputs and --outputs cut the model of --reference or --against; "
                              "there is none"
                            : "--dim sizes the model of --reference or --against; there is none");
    t->job.label_offset = (int)number_or(t, OPT_label_offset, 0);
    t->json = t->c->quiet = option(t, OPT_json)->given;
    const char *output = option(t, OPT_output)->text;
    t->to = output && strcmp(output, "-") == 0 ? stderr : stdout;
    return true;
}

/* ---- Once ---- */

/* A name that is no file's is said before its ending is looked at. */
static bool read_input(struct tool *t, const char *path, struct sample *s) {
    if (access(path, F_OK) == 0) return data_read_file(t->c, t->a, path, s);
    diag(t->c, file_open, path, strerror(errno));
    return false;
}

static bool set_inputs(struct tool *t, struct run_model *m, struct run_model *against) {
    const struct option_value *files = option(t, OPT_input);
    struct rng rng = {(uint64_t)number_or(t, OPT_seed, 1)};
    if (files->given && files->count != m->input_count) {
        diag(t->c, run_inputs, m->file, m->input_count, m->input_count == 1 ? "" : "s",
             files->count);
        return false;
    }
    for (int n = 0; n < m->input_count; n++) {
        struct sample s;
        if (!files->given) {
            if (!run_set_random(m, against, n, &rng)) return false;
            continue;
        }
        if (!read_input(t, files->list[n], &s) || !run_set(m, n, &s)) return false;
        if (against && n < against->input_count && !run_set(against, n, &s)) return false;
    }
    return true;
}

static bool compare_once(struct tool *t, struct run_model *m, struct run_model *against,
                         struct run_score *score) {
    if (!run_once(against)) return false;
    size_t count = m->outputs[0].count;
    if (against->outputs[0].count != count) {
        diag(t->c, run_outputs, against->file, (long long)against->outputs[0].count,
             (long long)count);
        return false;
    }
    score->compared = true;
    score->agree = run_best(m->real[0], count) == run_best(against->real[0], count);
    if (t->json) return true;
    fprintf(t->to, "in float: ");
    run_print_output(t->to, against, 0);
    return true;
}

static bool run_model_once(struct tool *t, struct run_model *m, struct run_model *against) {
    struct run_score score = {.images = 1};
    if (!set_inputs(t, m, against)) return false;
    double start = run_now();
    if (!run_once(m)) return false;
    score.seconds = run_now() - start;
    const char *path = option(t, OPT_output)->text;
    const struct run_tensor *first = &m->outputs[0];
    if (path && !data_write_array(t->c, path, first->type, m->out[0], first->dims, first->rank))
        return false;
    for (int n = 0; n < m->output_count && !t->json; n++) run_print_output(t->to, m, n);
    if (!t->json) fprintf(t->to, "%.2f ms\n", 1e3 * score.seconds);
    if (against && !compare_once(t, m, against, &score)) return false;
    if (t->json) run_print_json(t->to, &score, &t->job, m);
    return true;
}

static int once(struct tool *t) {
    struct run_model m, against;
    bool compared = t->job.against != NULL;
    bool good = run_open(&m, t->c, t->a, &t->job);
    if (good && compared) good = run_open_against(&against, t->c, t->a, &t->job, &m);
    if (good && !option(t, OPT_input)->given && !t->json) {
        if (t->job.program)
            run_print_program(t->to, t->job.program);
        else
            run_print_reference(t->to, &m);
    }
    good = good && run_model_once(t, &m, compared ? &against : NULL);
    return good ? EXIT_OK : run_exit_code(t->c);
}

/* ---- Over a dataset ---- */

static int evaluate(struct tool *t) {
    struct run_score score;
    long count = (long)number_or(t, OPT_count, 0);
    int rc = run_evaluate(t->c, t->a, &t->job, option(t, OPT_data)->text, count, &score);
    if (rc != EXIT_OK) return rc;
    if (t->json)
        run_print_json(t->to, &score, &t->job, NULL);
    else
        run_print_score(t->to, &score, &t->job);
    return EXIT_OK;
}

/* ---- The program ---- */

static void release_program(void *p) {
    nbq_program_free(p);
}

static bool load(struct tool *t) {
    char message[MESSAGE_ROOM] = "";
    struct nbq_program *p;
    enum nbq_status status = nbq_load_file(t->path, &p, message, sizeof message);
    if (status == NBQ_NO_MEMORY) ctx_oom(t->c);
    if (status != NBQ_OK) {
        diag(t->c, run_load, NULL, message);
        return false;
    }
    ctx_defer(t->c, release_program, p);
    t->job.program = p;
    t->job.preprocess = run_preprocess_of(p, 0);
    return true;
}

static bool check(struct tool *t) {
    char *text = arena_alloc(t->a, FAULT_ROOM);
    int found = nbq_check(t->job.program, text, FAULT_ROOM);
    if (found < 0) ctx_oom(t->c);
    if (found == 0) {
        if (!t->json) fprintf(t->to, "check: no races, no deadlocks\n");
        t->job.checked = true;
        return true;
    }
    fputs(text, t->json ? stderr : t->to);
    fflush(t->to);
    diag(t->c, run_faults, t->job.file, found);
    return false;
}

static int run(struct command *k) {
    struct tool t = {.c = k->c, .a = k->a, .set = &k->set};
    if (!read_options(&t)) return EXIT_USAGE;
    const char *output = option(&t, OPT_output)->text;
    if (output && !file_check_write(t.c, output)) return EXIT_BAD_INPUT;
    if (!t.job.reference && !load(&t)) return EXIT_BAD_INPUT;
    if (option(&t, OPT_check)->given && !check(&t)) return EXIT_BAD_INPUT;
    return option(&t, OPT_data)->given ? evaluate(&t) : once(&t);
}

int main(int argc, char **argv) {
    static const struct option_words words[OPTION_COUNT] = {
        [OPT_resize_filter] = {image_filters, NULL, 2, 0},
    };
    static const struct option_set set = {
        .tool = "nbq-run",
        .usage = "MODEL.svpe [options] | --reference MODEL.onnx [options]",
        .summary = "Runs a compiled program, or an ONNX model in float.",
        .rows = option_rows,
        .row_count = OPTION_COUNT,
        .words = words,
    };
    return command_main(&set, run, argc, argv);
}
