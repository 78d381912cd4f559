/* The target descriptions built into the library (isa/targets/embed.cmake makes the table). */
#ifndef NBQ_ISA_BUILTIN_H
#define NBQ_ISA_BUILTIN_H

struct svpe_builtin_target {
    const char *name, *text;
};
extern const struct svpe_builtin_target svpe_builtin_targets[]; /* ends with a NULL name */

#endif
