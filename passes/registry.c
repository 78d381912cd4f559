/* The table of passes and the names of properties, expanded from passes.def and properties.def. */
#include "passes/passes.h"

#include <string.h>

/* The names that sets in passes.def are written with. */
enum property_set {
    NONE = 0,
#define PASS_PROPERTY(name, meaning) name = 1 << PASS_BIT_##name,
#include "passes/properties.def"
#undef PASS_PROPERTY
};

static const struct pass_info passes[] = {
#define PASS(function, name, requires, provides, breaks, meaning)                                  \
    {name, requires, provides, breaks, pass_##function, meaning},
#include "passes/passes.def"
#undef PASS
};
enum { PASS_COUNT = sizeof passes / sizeof passes[0] };

static const struct {
    const char *name, *meaning;
} properties[PASS_PROPERTY_COUNT] = {
#define PASS_PROPERTY(name, meaning) {#name, meaning},
#include "passes/properties.def"
#undef PASS_PROPERTY
};

int pass_count(void) {
    return PASS_COUNT;
}
const struct pass_info *pass_at(int i) {
    return &passes[i];
}

const struct pass_info *pass_find(const char *name) {
    for (int i = 0; i < PASS_COUNT; i++)
        if (strcmp(passes[i].name, name) == 0) return &passes[i];
    return NULL;
}

const char *pass_property_name(enum pass_property p) {
    return properties[p].name;
}
const char *pass_property_meaning(enum pass_property p) {
    return properties[p].meaning;
}

static void print_set(FILE *to, const char *label, unsigned set) {
    if (set == 0) return;
    fprintf(to, "    %s", label);
    for (int i = 0; i < PASS_PROPERTY_COUNT; i++)
        if (set & 1u << i) fprintf(to, " %s", properties[i].name);
    fprintf(to, "\n");
}

void pass_print_list(FILE *to) {
    fprintf(to, "Passes, in the order they run:\n");
    for (int i = 0; i < PASS_COUNT; i++) {
        fprintf(to, "  %-16s %s\n", passes[i].name, passes[i].meaning);
        print_set(to, "requires", passes[i].requires);
        print_set(to, "provides", passes[i].provides);
        print_set(to, "breaks  ", passes[i].breaks);
    }
    fprintf(to, "\nProperties of a graph:\n");
    for (int i = 0; i < PASS_PROPERTY_COUNT; i++)
        fprintf(to, "  %-16s %s\n", properties[i].name, properties[i].meaning);
}
