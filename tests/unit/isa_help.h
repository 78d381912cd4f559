/* One line of assembly as an instruction. */
#ifndef NBQ_TESTS_UNIT_ISA_HELP_H
#define NBQ_TESTS_UNIT_ISA_HELP_H

#include "test.h"

#include "isa/isa.h"

/* False after saying every fault. */
static inline bool parse_insn(struct ctx *c, const char *line, struct svpe_insn *i) {
    struct writer code;
    const char *why;
    writer_init(&code, arena_new(c));
    return svpe_assemble(c, "t", line, strlen(line), &code) &&
           svpe_decode(code.data, code.size, i, &why) == (int)code.size;
}

#endif
