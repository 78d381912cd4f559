/* Target descriptions: data, not code. isa/targets/NAME.target holds one `key = value` per line;
 * all of them are built into the library, and a path to a file of one's own is taken as well. */
#ifndef NBQ_ISA_TARGET_H
#define NBQ_ISA_TARGET_H

#include "base/diag.h"

enum svpe_element_kind { SVPE_ELEMENT_SHIFT, SVPE_ELEMENT_MULTIPLY };
enum svpe_requant { SVPE_REQUANT_SHIFT, SVPE_REQUANT_MUL };

struct svpe_target { /* keys, ranges and meanings: isa/target.def, one row per member */
    const char *name;
#define TARGET_KEY(name, min, max, meaning) int64_t name;
#include "isa/target.def"
#undef TARGET_KEY
};

/* target.c */
/* A built-in target, or the file at a path; NULL after saying why. */
const struct svpe_target *svpe_target_find(struct ctx *c, struct arena *a,
                                           const char *name_or_path);
int svpe_target_count(void); /* built-in ones */
const char *svpe_target_name(int i);
/* The name is the file's, without folders and ending. NULL after saying every fault. */
struct svpe_target *svpe_target_parse(struct ctx *c, struct arena *a, const char *file,
                                      const char *text, size_t size);
/* Canonical text, without the name: what programs carry. */
const char *svpe_target_text(struct arena *a, const struct svpe_target *t);
/* Of all keys, without the name. */
uint64_t svpe_target_hash(const struct svpe_target *t);
/* Capacities in the units instructions use, for activations of act_bits. */
int64_t svpe_act_vectors(const struct svpe_target *t, int act_bits);
int64_t svpe_wgt_dwords(const struct svpe_target *t);
int64_t svpe_acc_entries(const struct svpe_target *t);
int64_t svpe_par_dwords(const struct svpe_target *t);

#endif
