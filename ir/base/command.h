/* The frame of every tool: command line, --help and --version, Ctrl-C, the way out of memory, exit
 * codes. A tool's source expands its table of options and calls command_main():
 *
 *     #define OPTION_TABLE "isa/nbq-as.opt.def"
 *     #include "base/option_table.def"
 *     ...
 *     int main(int argc, char **argv) {
 *         static const struct option_set set = {.tool = "nbq-as", ..., .rows = option_rows,
 *                                               .row_count = OPTION_COUNT};
 *         return command_main(&set, assemble, argc, argv);
 *     }
 */
#ifndef NBQ_BASE_COMMAND_H
#define NBQ_BASE_COMMAND_H

#include "base/options.h"

struct command {
    struct ctx *c;
    struct arena *a; /* goes when the tool ends */
    struct option_set set;
};

/* Does what the tool is for; returns an exit code. Memory may run out in it. */
typedef int command_run(struct command *k);

/* command.c: main()'s exit code. */
int command_main(const struct option_set *set, command_run *run, int argc, char **argv);
/* Everything printed so far has to have arrived; false after saying, once, that it has not. */
bool command_flush(struct ctx *c);

#endif
