/* nbq-as: assembly text to instruction words, bare or in a copy of a program. */
#include "base/file.h"
#include "base/options.h"
#include "isa/diag.h"
#include "isa/isa.h"

enum option_id {
#define OPTION(id, ...) OPT_##id,
#include "isa/nbq-as.opt.def"
#undef OPTION
    OPTION_COUNT
};

static const struct option_row option_rows[OPTION_COUNT] = {
#define OPTION(id, name, letter, kind, argument, min, max, help)                                   \
    {name, letter, OPT_##kind, argument, help, min, max},
#include "isa/nbq-as.opt.def"
#undef OPTION
};

struct job {
    struct ctx *c;
    struct arena *a;
    struct option_set set;
    const char *file;
    struct writer code;
};

/* Bytes up to and with the next end; 0 if there is none. */
static size_t segment_bytes(const uint8_t *code, size_t size) {
    for (size_t at = 0; at < size;) {
        struct svpe_insn i;
        const char *why;
        int bytes = svpe_decode(code + at, size - at, &i, &why);
        if (!bytes) return 0;
        at += (size_t)bytes;
        if (i.op == SVPE_END) return at;
    }
    return 0;
}

/* Each device segment takes the code up to the next end. */
static bool replace_code(struct job *j, struct svpe_program *p) {
    size_t at = 0;
    for (int n = 0; n < p->segment_count; n++) {
        struct svpe_segment *s = &p->segments[n];
        if (s->host) continue;
        s->code_offset = at;
        s->code_bytes = segment_bytes(j->code.data + at, j->code.size - at);
        if (s->code_bytes == 0) {
            diag(j->c, as_segment, j->file, n);
            return false;
        }
        at += (size_t)s->code_bytes;
    }
    if (at < j->code.size) {
        diag(j->c, as_behind, j->file, j->code.size - at);
        return false;
    }
    p->code = j->code.data;
    p->code_bytes = j->code.size;
    return true;
}

static bool into_program(struct job *j, const char *path, struct writer *out) {
    struct file_view view;
    if (!file_map(j->c, path, &view)) return false;
    struct svpe_program *p = svpe_read(j->c, j->a, path, view.data, view.size);
    if (!p || !replace_code(j, p)) return false;
    svpe_write(p, out);
    return true;
}

static int assemble(struct job *j) {
    const struct option_value *output = &j->set.values[OPT_output];
    const struct option_value *into = &j->set.values[OPT_into];
    struct file_view view;
    struct writer program, *out = &j->code;
    if (j->set.positional_count != 1) {
        diag(j->c, tool_files, NULL, j->set.positional_count);
        return EXIT_USAGE;
    }
    if (!output->given) {
        diag(j->c, tool_no_output, NULL);
        return EXIT_USAGE;
    }
    j->file = j->set.positional[0];
    writer_init(&j->code, j->a);
    if (!file_map(j->c, j->file, &view) ||
        !svpe_assemble(j->c, j->file, (const char *)view.data, view.size, &j->code)) {
        return EXIT_BAD_INPUT;
    }
    if (into->given) {
        writer_init(&program, j->a);
        if (!into_program(j, into->text, &program)) return EXIT_BAD_INPUT;
        out = &program;
    }
    return file_replace(j->c, output->text, out->data, out->size) ? EXIT_OK : EXIT_BAD_INPUT;
}

static int run(struct job *j, int argc, char **argv) {
    if (!options_parse(j->c, j->a, &j->set, argc, argv)) return EXIT_USAGE;
    if (j->set.values[OPT_help].given) {
        options_help(&j->set, stdout);
    } else if (j->set.values[OPT_version].given) {
        printf("nbq-as %s\n", NBQ_VERSION);
    } else {
        return assemble(j);
    }
    return fflush(stdout) == 0 ? EXIT_OK : EXIT_BAD_INPUT;
}

int main(int argc, char **argv) {
    struct ctx c;
    ctx_init(&c, "nbq-as", stderr);
    int rc;
    if (setjmp(c.oom)) {
        fputs("nbq-as: error: out of memory\n", stderr);
        rc = EXIT_INTERNAL;
    } else {
        struct job j = {
            .c = &c,
            .a = arena_new(&c),
            .set = {.tool = "nbq-as",
                    .usage = "FILE.s -o CODE, or --into=MODEL.svpe FILE.s -o NEW.svpe",
                    .summary = "Turns the text nbq-objdump -d prints into instruction words.",
                    .rows = option_rows,
                    .row_count = OPTION_COUNT},
        };
        rc = run(&j, argc, argv);
    }
    ctx_free(&c);
    return rc;
}
