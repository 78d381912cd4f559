/* What every value of a graph is, by the oracle, for whoever compares it with another way to
 * compute it.
 *
 *     values GRAPH.nir INPUTS OUTPUT
 *
 * GRAPH.nir: as nbqc --print-after=quantize --print-data prints it. INPUTS: the floats of all
 * inputs, one behind the other. OUTPUT gets of each value that a node makes its name, the name of
 * its element type and its dimensions, a line each, then its elements. */
#include "base/file.h"
#include "ir/ir.h"

#include <setjmp.h>

static void keep(void *user, const struct ir_value *v, const void *data) {
    struct writer *w = user;
    if (!v->producer) return;
    write_text(w, "%s\n%s\n", v->name, ir_dtype_name(v->dtype));
    for (int d = 0; d < v->rank; d++) write_text(w, "%lld ", (long long)v->dims[d]);
    write_text(w, "\n");
    write_bytes(w, data, (size_t)ir_elements(v) * ir_dtype_size(v->dtype));
}

static bool slice_inputs(const struct ir_graph *g, const struct file_view *f, const void **in) {
    size_t at = 0;
    for (int i = 0; i < g->input_count; i++) {
        in[i] = f->data + at;
        at += (size_t)ir_elements(g->inputs[i]) * ir_dtype_size(g->inputs[i]->dtype);
    }
    if (at == f->size) return true;
    fprintf(stderr, "values: the inputs have %zu bytes, expected %zu\n", f->size, at);
    return false;
}

static bool run(struct ctx *c, struct arena *a, char **argv) {
    struct file_view text, inputs;
    struct writer w;
    writer_init(&w, a);
    if (!file_map(c, argv[1], &text) || !file_map(c, argv[2], &inputs)) return false;
    struct ir_graph *g = ir_parse(c, argv[1], (const char *)text.data, text.size);
    if (!g || !ir_verify(g, "values")) return false;
    const void **in = arena_array(a, (size_t)g->input_count, sizeof *in);
    const void **out = arena_array(a, (size_t)g->output_count, sizeof *out);
    return slice_inputs(g, &inputs, in) && ir_eval_observed(g, a, in, keep, &w, out) &&
           file_replace(c, argv[3], w.data, w.size);
}

int main(int argc, char **argv) {
    struct ctx c;
    ctx_init(&c, "values", stderr);
    if (setjmp(c.oom)) return EXIT_INTERNAL;
    int status = argc == 4 ? run(&c, arena_new(&c), argv) ? EXIT_OK : EXIT_BAD_INPUT : EXIT_USAGE;
    ctx_free(&c);
    return status;
}
