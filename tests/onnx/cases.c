/* ONNX's own backend test cases through importer and float evaluator, each at its own opset: their
 * expected outputs are the oracle.
 *
 *     onnx_cases [--exempt=LIST] [--light] [-v] FOLDER...
 *
 * A FOLDER holds one folder per case: model.onnx, test_data_set_N/input_K.pb and output_K.pb; with
 * --light, models of their own: NAME.onnx and NAME_output_K.pb, whose input is i / n for element i
 * of n. LIST names the cases that need not pass, one in each line, and the reason behind it.
 * Prints a table by operator, where a case counts for every operator it uses, and the counts of
 * cases. Integers have to be equal, floats within 10⁻³ of the expected value plus 10⁻⁷, as in
 * ONNX's own runner. Ends with 1 if a case is neither passed nor exempt, or if one that is
 * exempt passes. */
#include "tests/onnx/tensor.h"

#include "base/file.h"
#include "frontend/frontend.h"

#include <onnx/onnx.pb-c.h>

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

enum outcome { PASSED, EXEMPT, REFUSED, FAILED, OUTCOMES };
enum { MAX_TENSORS = 64, MAX_ROWS = 400, MAX_RULES = 400, MAX_LIST = 64 };

/* A line of the table: an operator. */
struct row {
    const char *op;
    int counts[OUTCOMES];
};

/* Cases of some kind: all of them, those of some operators, … */
struct tally {
    int passed, cases;
};

struct rule { /* a line of the list of exemptions */
    const char *name, *reason;
    int used;
};

struct run {
    struct arena *a;
    bool verbose, light, bad;
    struct rule rules[MAX_RULES];
    int rule_count;
    struct row rows[MAX_ROWS];
    int row_count, counts[OUTCOMES];
    struct tally common, plain; /* see count_case */
};

struct test {
    struct ctx *c;
    struct arena *a;
    struct run *run;
    const char *folder, *name; /* the case is folder/name */
    Onnx__ModelProto *model;   /* NULL: cannot be unpacked */
    const char *why;           /* it failed */
};

struct input {
    const char *name; /* NULL: an initializer now */
    struct test_tensor tensor;
};

static const struct tier {
    char letter;
    const char *op;
} tiers[] = {
#define TIER(letter, op) {#letter[0], op},
#include "tests/onnx/tiers.def"
#undef TIER
};

static char tier_of(const char *op) {
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++)
        if (!strcmp(tiers[i].op, op)) return tiers[i].letter;
    return 'C';
}

/* --- one case --- */

/* Where tensor `index` of a kind stands; of a light model there are outputs only. */
static const char *tensor_path(const struct test *t, const char *kind, int index) {
    if (t->run->light) return arena_printf(t->a, "%s/%s_%s_%d.pb", t->folder, t->name, kind, index);
    return arena_printf(t->a, "%s/%s/test_data_set_0/%s_%d.pb", t->folder, t->name, kind, index);
}

static bool exists(const char *path) {
    FILE *f = fopen(path, "rb");
    if (f) fclose(f);
    return f != NULL;
}

static bool is_initializer(const Onnx__GraphProto *g, const char *name) {
    for (size_t i = 0; i < g->n_initializer; i++)
        if (!strcmp(g->initializer[i]->name, name)) return true;
    return false;
}

/* Lists of shapes, axes and modes, and single numbers, are constants of the models that people
 * compile; here they are inputs, and become initializers. So does what has no elements, which no
 * network takes. */
static bool becomes_constant(const struct test_tensor *t) {
    if (t->count == 0 || t->rank == 0) return true;
    return !t->type->real && t->type->bits >= 8 && t->count <= MAX_LIST;
}

/* The inputs that lie beside the model, in the order of its own; count of them, −1: one cannot be
 * read. The names of those that become constants are NULL. */
static int read_inputs(struct test *t, struct input *in) {
    Onnx__GraphProto *g = t->model->graph;
    int n = 0;
    for (size_t i = 0; i < g->n_input && n < MAX_TENSORS; i++) {
        const char *name = g->input[i]->name;
        struct file_view f;
        if (is_initializer(g, name)) continue;
        const char *path = tensor_path(t, "input", n);
        if (!test_tensor_read(t->c, t->a, path, &in[n].tensor) || !file_map(t->c, path, &f))
            return -1;
        in[n].name = name;
        if (becomes_constant(&in[n].tensor)) {
            Onnx__TensorProto *p = onnx__tensor_proto__unpack(NULL, f.size, f.data);
            free(p->name);
            p->name = strdup(name);
            g->initializer = realloc(g->initializer, (g->n_initializer + 1) * sizeof p);
            g->initializer[g->n_initializer++] = p;
            in[n].name = NULL;
        }
        n++;
    }
    return n;
}

static struct ir_graph *import(struct test *t) {
    size_t size = onnx__model_proto__get_packed_size(t->model);
    uint8_t *bytes = arena_alloc(t->a, size);
    onnx__model_proto__pack(t->model, bytes);
    return fe_import_bytes(t->c, t->name, bytes, size, NULL);
}

static const float *ramp(struct arena *a, int64_t n) {
    float *v = arena_array(a, (size_t)n, sizeof *v);
    for (int64_t i = 0; i < n; i++) v[i] = (float)((double)i / (double)n);
    return v;
}

static bool set_inputs(struct test *t, struct ir_graph *g, const struct input *in, int n) {
    for (int i = 0, k = 0; i < g->input_count; i++, k++) {
        struct ir_value *v = g->inputs[i];
        if (t->run->light) {
            v->data = ramp(t->a, ir_elements(v));
            continue;
        }
        while (k < n && (!in[k].name || strcmp(in[k].name, v->name) != 0)) k++;
        t->why = arena_printf(t->a, "input %s is not of the model's shape", v->name);
        if (k >= n || in[k].tensor.count != ir_elements(v)) return false;
        v->data = test_tensor_data(t->a, &in[k].tensor, v->dtype);
    }
    return true;
}

/* Node by node, every value a constant at once: some cases give shapes and axes as inputs. */
static bool evaluate(struct test *t, struct ir_graph *g) {
    struct ir_tensor *values = arena_array(t->a, (size_t)g->value_count, sizeof *values);
    for (struct ir_node *n = g->first; n; n = n->next) {
        if (!ir_infer_node(g, n) || !ir_eval_node(g, t->a, n, values)) {
            t->why = t->c->last->message;
            return false;
        }
        for (int i = 0; i < n->out_count; i++) n->out[i]->data = values[n->out[i]->id].data;
    }
    return true;
}

static bool compare(struct test *t, const struct ir_graph *g) {
    struct test_tensor want;
    for (int i = 0; i < g->output_count; i++) {
        t->why = arena_printf(t->a, "output %d of the data set cannot be read", i);
        if (!test_tensor_read(t->c, t->a, tensor_path(t, "output", i), &want)) return false;
        t->why = test_tensor_differs(t->a, &want, g->outputs[i], g->outputs[i]->data);
        if (t->why) return false;
    }
    t->why = "the graph has fewer outputs than the data set";
    return !exists(tensor_path(t, "output", g->output_count));
}

static const char *first_error(const struct ctx *c) {
    for (const struct diag *d = c->first; d; d = d->next)
        if (d->severity == DIAG_ERROR) return d->message;
    return "no message";
}

static enum outcome try_case(struct test *t) {
    struct input in[MAX_TENSORS];
    t->why = "the model or an input cannot be read";
    int n = !t->model ? -1 : t->run->light ? 0 : read_inputs(t, in);
    if (!t->model) return FAILED;
    int errors = t->c->errors;
    struct ir_graph *g = import(t);
    if (!g) t->why = first_error(t->c);
    if (!g || n < 0) return t->c->errors > errors ? REFUSED : FAILED;
    return set_inputs(t, g, in, n) && evaluate(t, g) && compare(t, g) ? PASSED : FAILED;
}

/* --- counting --- */

static struct row *row_of(struct run *r, const char *op) {
    for (int i = 0; i < r->row_count; i++)
        if (!strcmp(r->rows[i].op, op)) return &r->rows[i];
    if (r->row_count == MAX_ROWS) return &r->rows[MAX_ROWS - 1];
    r->rows[r->row_count].op = arena_strdup(r->a, op);
    return &r->rows[r->row_count++];
}

static bool plain_values(Onnx__ValueInfoProto *const *v, size_t n) {
    static const int32_t plain[] = {
        ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT, ONNX__TENSOR_PROTO__DATA_TYPE__UINT8,
        ONNX__TENSOR_PROTO__DATA_TYPE__INT8,  ONNX__TENSOR_PROTO__DATA_TYPE__INT32,
        ONNX__TENSOR_PROTO__DATA_TYPE__INT64, ONNX__TENSOR_PROTO__DATA_TYPE__BOOL};
    for (size_t i = 0; i < n; i++) {
        const Onnx__TypeProto *t = v[i]->type;
        bool found = false;
        for (size_t k = 0; t && k < sizeof plain / sizeof *plain; k++)
            found |= t->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE &&
                     t->tensor_type->elem_type == plain[k];
        if (!found) return false;
    }
    return true;
}

static void count_tally(struct tally *t, enum outcome o) {
    t->cases++;
    t->passed += o == PASSED;
}

/* Common: only operators of tiers A and B; plain: of these, in float32, int8, uint8, int32, int64
 * and bool. */
static void count_case(struct test *t, enum outcome o) {
    const Onnx__GraphProto *g = t->model ? t->model->graph : NULL;
    bool common = g && g->n_node;
    t->run->counts[o]++;
    for (size_t i = 0; g && i < g->n_node; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++) again |= !strcmp(g->node[i]->op_type, g->node[k]->op_type);
        if (!again) row_of(t->run, g->node[i]->op_type)->counts[o]++;
        common &= tier_of(g->node[i]->op_type) != 'C';
    }
    if (!common) return;
    count_tally(&t->run->common, o);
    if (plain_values(g->input, g->n_input) && plain_values(g->output, g->n_output))
        count_tally(&t->run->plain, o);
}

static struct rule *rule_for(struct run *r, const char *name) {
    for (int i = 0; i < r->rule_count; i++)
        if (strcmp(r->rules[i].name, name) == 0) return &r->rules[i];
    return NULL;
}

static enum outcome judge(struct test *t, enum outcome o) {
    struct rule *rule = rule_for(t->run, t->name);
    if (rule) rule->used++;
    if (rule && o == PASSED) {
        printf("passes, and is exempt (%s): %s\n", rule->name, t->name);
        t->run->bad = true;
    } else if (rule) {
        o = EXEMPT;
    } else if (o != PASSED) {
        printf("%s %s: %s\n", o == REFUSED ? "refused" : "failed", t->name, t->why);
        t->run->bad = true;
    }
    if (t->run->verbose && o == EXEMPT) printf("exempt %s: %s\n", t->name, t->why);
    return o;
}

static Onnx__ModelProto *model_of(struct test *t) {
    struct file_view f;
    const char *path = t->run->light ? arena_printf(t->a, "%s/%s.onnx", t->folder, t->name)
                                     : arena_printf(t->a, "%s/%s/model.onnx", t->folder, t->name);
    return file_map(t->c, path, &f) ? onnx__model_proto__unpack(NULL, f.size, f.data) : NULL;
}

static void run_case(struct run *r, const char *folder, const char *name) {
    struct ctx c;
    ctx_init(&c, NULL, NULL);
    if (setjmp(c.oom)) {
        printf("failed %s: out of memory\n", name);
        r->bad = true;
        ctx_free(&c);
        return;
    }
    struct test t = {.c = &c, .a = arena_new(&c), .run = r, .folder = folder, .name = name};
    t.model = model_of(&t);
    count_case(&t, judge(&t, try_case(&t)));
    if (t.model) onnx__model_proto__free_unpacked(t.model, NULL);
    ctx_free(&c);
}

static int is_case(const struct dirent *d) {
    size_t n = strlen(d->d_name);
    return !strncmp(d->d_name, "test_", 5) || (n > 5 && !strcmp(d->d_name + n - 5, ".onnx"));
}

static void run_folder(struct run *r, const char *folder) {
    struct dirent **list;
    int n = scandir(folder, &list, is_case, alphasort);
    if (n <= 0) {
        printf("failed %s: no cases\n", folder);
        r->bad = true;
        return;
    }
    for (int k = 0; k < n; k++) {
        if (r->light) *strrchr(list[k]->d_name, '.') = '\0';
        run_case(r, folder, list[k]->d_name);
        free(list[k]);
    }
    free(list);
}

/* --- the list, the table --- */

static bool read_rules(struct run *r, struct ctx *c, const char *path) {
    struct file_view f;
    if (!file_map(c, path, &f)) return false;
    char *line = arena_strndup(r->a, (const char *)f.data, f.size);
    for (char *next; *line && r->rule_count < MAX_RULES; line = next) {
        size_t n = strcspn(line, "\n");
        next = line + n + (line[n] == '\n');
        line[n] = '\0';
        if (!*line || *line == '#') continue;
        size_t word = strcspn(line, " ");
        struct rule *rule = &r->rules[r->rule_count++];
        rule->reason = line + word + strspn(line + word, " ");
        line[word] = '\0';
        rule->name = line;
        if (*rule->reason) continue;
        printf("%s: no reason given for %s\n", path, rule->name);
        r->bad = true;
    }
    return true;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct row *)a)->op, ((const struct row *)b)->op);
}

static void print_table(struct run *r) {
    qsort(r->rows, (size_t)r->row_count, sizeof *r->rows, by_name);
    printf("%-28s tier  passed  exempt refused  failed\n", "operator");
    for (int i = 0; i < r->row_count; i++) {
        const int *n = r->rows[i].counts;
        printf("%-28s %c    %7d %7d %7d %7d\n", r->rows[i].op, tier_of(r->rows[i].op), n[PASSED],
               n[EXEMPT], n[REFUSED], n[FAILED]);
    }
    for (int i = 0; i < r->rule_count; i++) {
        if (r->rules[i].used) continue;
        printf("no case is called %s\n", r->rules[i].name);
        r->bad = true;
    }
    printf("tier A and B, plain types: %d passed of %d\n", r->plain.passed, r->plain.cases);
    printf("tier A and B: %d passed of %d\n", r->common.passed, r->common.cases);
    printf("all: %d passed, %d exempt, %d refused, %d failed\n", r->counts[PASSED],
           r->counts[EXEMPT], r->counts[REFUSED], r->counts[FAILED]);
}

int main(int argc, char **argv) {
    struct ctx c;
    struct run r = {0};
    ctx_init(&c, "onnx_cases", stderr);
    if (setjmp(c.oom)) return EXIT_INTERNAL;
    r.a = arena_new(&c);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "-v"))
            r.verbose = true;
        else if (!strcmp(argv[i], "--light"))
            r.light = true;
        else if (!strncmp(argv[i], "--exempt=", 9))
            r.bad |= !read_rules(&r, &c, argv[i] + 9);
        else
            run_folder(&r, argv[i]);
    }
    print_table(&r);
    ctx_free(&c);
    return r.bad || !r.counts[PASSED];
}
