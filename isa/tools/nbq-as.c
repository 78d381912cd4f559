/* nbq-as: assembly text to instruction words, bare or in a copy of a program. */
#include "base/command.h"
#include "base/file.h"
#include "isa/diag.h"
#include "isa/isa.h"

#define OPTION_TABLE "isa/nbq-as.opt.def"
#include "base/option_table.def"

struct job {
    struct ctx *c;
    struct arena *a;
    const char *file; /* the text */
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
    struct svpe_program *p = svpe_read(j->c, j->a, file_name(path), view.data, view.size);
    if (!p || !replace_code(j, p)) return false;
    svpe_write(p, out);
    return true;
}

static int assemble(struct command *k) {
    const struct option_value *output = &k->set.values[OPT_output];
    const struct option_value *into = &k->set.values[OPT_into];
    struct job j = {
        .c = k->c,
        .a = k->a,
    };
    struct file_view view;
    struct writer program, *out = &j.code;
    if (k->set.positional_count != 1) {
        diag(k->c, tool_files, NULL, k->set.positional_count);
        return EXIT_USAGE;
    }
    if (!output->given) {
        diag(k->c, tool_no_output, NULL);
        return EXIT_USAGE;
    }
    j.file = file_name(k->set.positional[0]);
    writer_init(&j.code, k->a);
    if (!file_map(k->c, k->set.positional[0], &view) ||
        !svpe_assemble(k->c, j.file, (const char *)view.data, view.size, &j.code)) {
        return EXIT_BAD_INPUT;
    }
    if (into->given) {
        writer_init(&program, k->a);
        if (!into_program(&j, into->text, &program)) return EXIT_BAD_INPUT;
        out = &program;
    }
    return file_replace(k->c, output->text, out->data, out->size) ? EXIT_OK : EXIT_BAD_INPUT;
}

int main(int argc, char **argv) {
    static const struct option_set set = {
        .tool = "nbq-as",
        .usage = "FILE.s -o CODE, or --into=MODEL.svpe FILE.s -o NEW.svpe",
        .summary = "Turns the text nbq-objdump -d prints into instruction words.",
        .rows = option_rows,
        .row_count = OPTION_COUNT,
    };
    return command_main(&set, assemble, argc, argv);
}
