/* The frame of every tool: see command.h. */
#include "base/command.h"

#include "base/base_diag.h"
#include "base/interrupt.h"
#include "base/progress.h"

#include <errno.h>
#include <string.h>

static bool is_given(const struct option_set *set, const char *name) {
    int row = option_find(set, name);
    return row >= 0 && set->values[row].given;
}

static int answer(struct command *k, command_run *run, int argc, char **argv) {
    if (!options_parse(k->c, k->a, &k->set, argc, argv)) return EXIT_USAGE;
    if (is_given(&k->set, "help"))
        options_help(&k->set, stdout);
    else if (is_given(&k->set, "version"))
        printf("%s %s\n", k->set.tool, NBQ_VERSION);
    else
        return run(k);
    return EXIT_OK;
}

bool command_flush(struct ctx *c) {
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return true;
    if (!diag_find(c, "stdout_write"))
        diag(c, stdout_write, NULL, errno ? strerror(errno) : "a write failed");
    return false;
}

int command_main(const struct option_set *set, command_run *run, int argc, char **argv) {
    struct ctx c;
    int rc;
    interrupt_install(set->tool);
    ctx_init(&c, set->tool, stderr);
    if (setjmp(c.oom)) {
        progress_erase(c.progress);
        fprintf(stderr, "%s: error: out of memory\n", set->tool);
        rc = EXIT_INTERNAL;
    } else {
        struct command k = {.c = &c, .a = arena_new(&c), .set = *set};
        rc = answer(&k, run, argc, argv);
        if (!command_flush(&c) && rc == EXIT_OK) rc = EXIT_BAD_INPUT;
    }
    ctx_free(&c);
    return rc;
}
