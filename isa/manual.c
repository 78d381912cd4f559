/* docs/isa.md and docs/container.md, from the tables. What no table holds (loops, data layouts,
 * token rules, grammar) stands here as text. */
#include "isa/container.h"

#include <inttypes.h>
#include <string.h>

static void put(struct writer *to, const char *text) {
    write_bytes(to, text, strlen(text));
}

/* A table's cell: '|' would end it. */
static void put_cell(struct writer *to, const char *text) {
    for (; *text; text++) {
        if (*text == '|') write_u8(to, '\\');
        write_u8(to, (uint8_t)*text);
    }
}

/* clang-format off */
static const char head_text[] =
    "# The SVPE instruction set\n"
    "\n"
    "Printed by `nbq-objdump --manual=isa` from `isa/svpe.def`, `isa/wfmt.def`, `isa/target.def`\n"
    "and the texts in `isa/manual.c`. Do not edit: change those and print it again; a test\n"
    "compares.\n"
    "\n"
    "## The machine\n"
    "\n"
    "A target (the last chapter) has an array of P columns of E elements with V lanes each, a\n"
    "vector unit, four buffers and four queues. In one cycle every column takes one vector of V\n"
    "activations, all columns share one block of E·V weights, and every element of a column adds\n"
    "V products into its running sum. Activations have A bits, 8 or 16, signed; accumulators w\n"
    "bits, 32 or 48, modulo 2^w. The arithmetic is that of docs/numbers.md.\n"
    "\n"
    "Units: a *vector* is V activations at a vector-aligned place of the activation buffer; an\n"
    "*entry* E accumulators, one pixel of E output channels; a *block* V channels of activations\n"
    "or E channels of accumulators; a *dword* 8 bytes. Addresses are offsets into a buffer or\n"
    "into a DRAM region; no instruction holds an address of the host.\n"
    "\n";

static const char tokens_text[] =
    "## Queues and tokens\n"
    "\n"
    "A program is one sequence of instructions. Each goes to the end of its queue; a queue runs\n"
    "its instructions one after the other, the queues run apart from each other. `sync` and `end`\n"
    "name their queue, every other instruction belongs to one.\n"
    "\n"
    "For each ordered pair of different queues there is a counter of tokens, zero at the start of\n"
    "a segment.\n"
    "\n"
    "- `wait` has a bit for each other queue. The instruction starts when it has taken one token\n"
    "  from each queue named: tokens that queue has posted to this one.\n"
    "- `post` has a bit for each other queue. When the instruction is done, and everything it\n"
    "  wrote can be read, it gives one token to each queue named. A post on a counter that holds\n"
    "  the target's `tokens` blocks until one is taken.\n"
    "- The k-th wait of one queue on another takes the k-th token posted to it. Every post stands\n"
    "  before its wait in the sequence; so a sequencer that hands out instructions in order\n"
    "  cannot block, however short its queues are.\n"
    "- At the end of a segment every counter is zero again.\n"
    "- The bit of an instruction's own queue is zero.\n"
    "\n"
    "Two instructions of different queues that touch the same byte, one of them writing, must be\n"
    "ordered by tokens (happens-before). `nbq-run --check` proves it for a program and names both\n"
    "instructions where it is not so. A segment ends with `end`; it is over when all queues have\n"
    "drained.\n"
    "\n";

static const char layouts_text[] =
    "## How data lies\n"
    "\n"
    "**Activations in DRAM.** Blocked: `[ceil(C/V)][H][W][V]`. Stem: `[H][W][2^px]`. Lanes beyond\n"
    "C hold the tensor's encoded zero. An element has A/8 bytes, little-endian.\n"
    "\n"
    "**Tiles in the activation buffer.** `at`, a block stride and a row pitch, all in vectors:\n"
    "pixel (y, x) of block b is vector at + b·stride + y·pitch + x. A tile with px < log2 V (only\n"
    "`ld.act` and the stem form know it) has the pixels of a row side by side: pixel (y, x)\n"
    "begins at element (at + b·stride + y·pitch)·V + x·2^px; lanes of a row's last vector behind\n"
    "its last pixel are not written and keep what they held.\n"
    "\n"
    "**ld.act** writes (pt + nr + pb) rows of (pl + nc + pr) pixels per block: `pad` in every\n"
    "element of the padding, the source's pixels inside.\n"
    "\n"
    "```\n"
    "for b below nb, y below pt + nr + pb, x below pl + nc + pr, l below 2^px:\n"
    "    inside = pt ≤ y < pt + nr and pl ≤ x < pl + nc\n"
    "    act.element[(dst + b·db + y·dr)·V + x·2^px + l] =\n"
    "        inside ? region[src + b·sb + (y − pt)·sr + ((x − pl)·2^px + l)·A/8] : pad\n"
    "```\n"
    "\n"
    "**st.act** writes `lanes` lanes of each vector, from lane `from` on, without the padding an\n"
    "`ld.act` had added:\n"
    "\n"
    "```\n"
    "for b below nb, y below nr, x below nc, l below lanes:\n"
    "    region[dst + b·sb + y·sr + (x·V + l)·A/8] =\n"
    "        act.element[(src + b·db + y·dr + x)·V + from + l]\n"
    "```\n"
    "\n"
    "**Accumulators.** Output block o, row y, column x of a convolution: entry acc + (o·rows +\n"
    "y)·cols + x; element e is output channel o·E + e.\n"
    "\n"
    "**Weight blocks.** E·V codes, element e's lane v at index e·V + v, packed low bits first,\n"
    "padded with zeros to whole dwords. The blocks of one `conv` stand one after the other in the\n"
    "order its loops use them (below).\n"
    "\n"
    "**Parameters** of the vector unit, from the dword in the instruction's `par` on. With\n"
    "`mul` = 0 `v.req` does not look at mult; with `mul` = 1 its shifts are 0…62.\n"
    "\n";

static const char conv_text[] =
    "## Convolution\n"
    "\n"
    "In all forms, in this order of weight blocks (`next_block` reads the next one from dword\n"
    "`wgt` on):\n"
    "\n"
    "```\n"
    "for o below ob:\n"
    "    for each pixel (y, x) of rows × cols, all with the same weight blocks:\n"
    "        sum[e] = more ? acc[acc + (o·rows + y)·cols + x][e] : 0      for each e below E\n"
    "        for term in 0 … two:\n"
    "            if term = 1: sum[e] <<= tshift\n"
    "            for ky below kh, tap group k0 = 0, T, 2·T … below kw, i below ib:\n"
    "                w = next_block\n"
    "                sum[e] += Σ over lanes v of w[e][v] · input(e, v)           modulo 2^w\n"
    "        acc[acc + (o·rows + y)·cols + x][e] = sum[e]\n"
    "```\n"
    "\n"
    "With `more`, the shift between the terms takes the accumulators that were there along. A sum\n"
    "that is cut into parts along its input channels and has two terms is therefore written so:\n"
    "all parts of term 1 but the last (two = 0), the last part with both terms (two = 1), the\n"
    "other parts of term 2 (two = 0).\n"
    "\n"
    "The forms differ in T, the taps of a block, and in what a lane sees; r = y·sy + ky·dy is the\n"
    "input row, c = x·sx + k·dx the input column of tap k:\n"
    "\n"
    "- **dense**, T = 1: `input(e, v)` = lane v of vector src + i·db + r·dr + c(k0). Block order\n"
    "  [term][ky][kx][i].\n"
    "- **fc**: dense with rows = cols = 1.\n"
    "- **stem**, T = V / 2^px, ib = 1, dx = 1, db = 0: lane v belongs to tap k = k0 + (v >> px)\n"
    "  and channel v mod 2^px: `input(e, v)` = element (src + r·dr)·V + c(k)·2^px + v mod 2^px;\n"
    "  lanes with k ≥ kw are not read and count as zero. Block order [term][ky][tap group].\n"
    "- **depthwise**, T = G (the target's gather), ib = 1: element e is channel n = o·E + e. Lane\n"
    "  v < G is tap k = k0 + v of that channel: `input(e, v)` = lane n mod V of vector src + (n /\n"
    "  V)·db + r·dr + c(k); lanes v ≥ G and taps k ≥ kw are not read and count as zero. Block\n"
    "  order [term][ky][tap group]; the codes of lanes v ≥ G and of taps k ≥ kw are zero.\n"
    "\n";

static const char vector_text[] =
    "## Vector unit\n"
    "\n"
    "round_shift(x, s) = (x + (s ? 1 << (s − 1) : 0)) >> s, arithmetic; sat to A bits; clamp(x,\n"
    "lo, hi) = min(max(x, lo), hi). Z(bit) is the encoded zero: bit ? −2^(A−1) : 0. Intermediate\n"
    "values are exact (64 bits are enough). Tiles may be the same places as the result where each\n"
    "result depends on one place alone, else they must not overlap it.\n"
    "\n"
    "For lane l of block b of pixel (y, x), dst is the element of the result and n = b·V + l its\n"
    "channel; a and b are that lane of that block of the sources:\n"
    "\n";

static const char uops_text[] =
    "## Micro-instructions\n"
    "\n"
    "`conv` and the vector unit's instructions are loops of micro-instructions; `nbq-objdump\n"
    "--uops` prints them, and the hardware issues exactly these. Port uses are per\n"
    "micro-instruction. A micro-instruction takes as many cycles as the busiest port needs, at\n"
    "least one.\n"
    "\n"
    "- `conv`: for output block, for group of P pixels (row by row): `init` with `more`; for each\n"
    "  term `mac` (depthwise: `mac.w`) per kernel row, tap group and input block, `shl` between\n"
    "  the terms; `out`.\n"
    "- vector unit: for block, for beat of vector_lanes / V pixels (row by row): one\n"
    "  micro-instruction, for instructions on windows one per tap.\n"
    "- Vector n of the activation buffer lies in bank n mod act_banks. A bank delivers one vector\n"
    "  per cycle and takes one; a vector that several columns want is delivered once. The two\n"
    "  sources of format PAIR come through two halves of the ports. The accumulator\n"
    "  buffer delivers and takes P entries per cycle, the parameter buffer the parameters of V\n"
    "  channels or table_lanes look-ups (the factor of a window at a border is one).\n"
    "- Copies take dram_latency cycles and one more for each dram_bytes bytes.\n"
    "\n";

static const char checks_text[] =
    "## What a loader refuses\n"
    "\n"
    "Whatever these rules forbid is refused before anything runs.\n"
    "\n"
    "- Words: an unknown opcode, a reserved bit, a field the instruction does not use that is not\n"
    "  zero, a field outside its range, its own queue in `wait` or `post`, code that ends inside a "
    "word.\n"
    "- A place outside its buffer or region, from the first to the last one touched; a copy from\n"
    "  or to a region that is not its own (above).\n"
    "- A result whose rows or blocks overlap each other, or a source it overlaps without being\n"
    "  the same places.\n"
    "- `ld.act` and `st.act`: offsets and strides that are no multiple of an element; lanes\n"
    "  beyond V.\n"
    "- `pad` outside A bits; a window without a pixel of the source; a weight format that is not\n"
    "  the target's; activations of a width it lacks.\n"
    "- Fields that break a rule of their format:\n";

static const char asm_text[] = "## Assembly\n"
                               "\n"
                               "```\n"
                               "file        = { line newline }\n"
                               "line        = [ instruction | \".word\" hex ] [ \";\" comment ]\n"
                               "instruction = mnemonic { field \"=\" value } [ \"wait=\" queues ] "
                               "[ \"post=\" queues ] [ \"layer=\" number ]\n"
                               "value       = [ \"-\" ] decimal | \"0x\" hex | name\n"
                               "queues      = queue { \"+\" queue }\n"
                               "```\n"
                               "\n"
                               "Items may stand in any order, each at most once; what is left out "
                               "is 0, or 1 where the range begins at 1 (the queue of `end`: "
                               "store). `region`,\n"
                               "`queue`, `form` and `wfmt` take the names above as well as "
                               "numbers. `.word` gives bytes as they are, in the order of\n"
                               "memory: `nbq-objdump -d` uses it for words that are no "
                               "instructions, so that `nbq-as` gives every code section back.\n"
                               "\n";

static const char words_text[] =
    "## Words\n"
    "\n"
    "Little-endian: bit 0 is the lowest bit of byte 0. A short word has 128 bits, a long one 256;\n"
    "bit 7 of the opcode tells which. Every word begins with the fields of HEAD. Bits without a\n"
    "name are reserved and zero. In the diagrams the number at the right is the row's lowest bit;\n"
    "names are cut where there is no room.\n"
    "\n";

static const char wfmt_text[] =
    "## Weight formats\n"
    "\n"
    "Power-of-two codes have a sign bit above their magnitude bits; magnitude 0 is zero (with the\n"
    "sign bit set it is refused), m is 2^(m−1), in units of the channel's smallest level.\n"
    "\n"
    "| | name | bits per code | n | meaning |\n"
    "|---|---|---|---|---|\n";

static const char target_text[] =
    "## Targets\n"
    "\n"
    "A target is a text file: one `key = value` per line, each key once, comments after `#`.\n"
    "`nbqc --target` takes the name of a built-in one (isa/targets/) or a path.\n"
    "\n"
    "| key | range | meaning |\n"
    "|---|---|---|\n";

/* clang-format on */

/* Bit diagrams: rows of 32 bits, three characters a bit, highest bit left. */
enum { ROW_BITS = 32, BIT_CHARS = 3 };

static void put_rule(struct writer *to) {
    for (int b = 0; b < ROW_BITS; b++) put(to, b == 0 ? "+--" : "---");
    put(to, "+\n");
}

static const struct svpe_field_info *field_at(enum svpe_format format, int bit) {
    enum svpe_format owner = bit < 32 ? SVPE_FORMAT_HEAD : format;
    for (int n = 0; n < svpe_field_count(owner); n++) {
        const struct svpe_field_info *f =
            svpe_field_info((enum svpe_field)((int)svpe_field_first(owner) + n));
        if (bit >= f->low && bit < f->low + f->width) return f;
    }
    return NULL;
}

/* One row, from its highest bit down: a cell per field. */
static void put_bits(struct writer *to, enum svpe_format format, int low) {
    for (int bit = low + ROW_BITS - 1; bit >= low;) {
        const struct svpe_field_info *f = field_at(format, bit);
        int n = 0;
        while (bit - n >= low && field_at(format, bit - n) == f) n++;
        int room = n * BIT_CHARS - 1;
        const char *name = f ? f->name : "";
        int length = (int)strlen(name) < room ? (int)strlen(name) : room;
        int left = (room - length) / 2;
        write_text(to, "|%*s%.*s%*s", left, "", length, name, room - length - left, "");
        bit -= n;
    }
    write_text(to, "| %d\n", low);
}

static void put_format(struct writer *to, enum svpe_format format) {
    const struct svpe_format_info *info = svpe_format_info(format);
    write_text(to, "### %s: %s\n\n```\n", info->name, info->meaning);
    put_rule(to);
    for (int low = 0; low < (info->bits ? info->bits : ROW_BITS); low += ROW_BITS) {
        put_bits(to, format, low);
        put_rule(to);
    }
    put(to, "```\n\n| field | bits | range | meaning |\n|---|---|---|---|\n");
    for (int n = 0; n < svpe_field_count(format); n++) {
        enum svpe_field f = (enum svpe_field)((int)svpe_field_first(format) + n);
        const struct svpe_field_info *i = svpe_field_info(f);
        int64_t min, max;
        svpe_field_range(f, &min, &max);
        write_text(to, "| %s | %d:%d | %" PRId64 "…%" PRId64 " | ", i->name, i->low + i->width - 1,
                   i->low, min, max);
        put_cell(to, i->meaning);
        put(to, " |\n");
    }
    put(to, "\n");
}

static void put_formats(struct writer *to) {
    put(to, words_text);
    for (int f = 0; f < SVPE_FORMAT_COUNT; f++) put_format(to, (enum svpe_format)f);
}

static void put_names(struct writer *to, const char *title, int count,
                      const struct svpe_name_info *(*info)(int), const char *unit) {
    write_text(to, "| | %s | %smeaning |\n|---|---|---|%s\n", title, unit, *unit ? "---|" : "");
    for (int n = 0; n < count; n++) {
        const struct svpe_name_info *i = info(n);
        write_text(to, "| %d | %s | ", n, i->name);
        if (*unit) write_text(to, "%s | ", i->unit);
        put_cell(to, i->meaning);
        put(to, " |\n");
    }
    put(to, "\n");
}

static const struct svpe_name_info *queue_info(int n) {
    return svpe_queue_info((enum svpe_queue)n);
}
static const struct svpe_name_info *region_info(int n) {
    return svpe_region_info((enum svpe_region)n);
}
static const struct svpe_name_info *buffer_info(int n) {
    return svpe_buffer_info((enum svpe_buffer)n);
}
static const struct svpe_name_info *form_info(int n) {
    return svpe_form_info((enum svpe_form)n);
}

static void put_unused(struct writer *to, const struct svpe_op_info *op) {
    const char *before = "; not used: ";
    for (int n = 0; n < svpe_field_count(op->format); n++) {
        if (op->uses >> n & 1) continue;
        enum svpe_field f = (enum svpe_field)((int)svpe_field_first(op->format) + n);
        write_text(to, "%s%s", before, svpe_field_info(f)->name);
        before = ", ";
    }
}

static void put_regions(struct writer *to, const struct svpe_op_info *op) {
    const char *before = "; region: ";
    for (int r = 0; r < SVPE_REGION_COUNT; r++) {
        if (!(op->copy.regions >> r & 1)) continue;
        write_text(to, "%s%s", before, svpe_region_name((enum svpe_region)r));
        before = " or ";
    }
}

static void put_instructions(struct writer *to) {
    put(to, "## Instructions\n\n| opcode | mnemonic | format | queue | meaning "
            "|\n|---|---|---|---|---|\n");
    for (int n = 0; n < SVPE_OP_COUNT; n++) {
        const struct svpe_op_info *op = svpe_op_info((enum svpe_op)n);
        write_text(to, "| 0x%02x | `%s` | %s | %s | ", op->opcode, op->mnemonic,
                   svpe_format_info(op->format)->name,
                   op->format == SVPE_FORMAT_SYNC ? "any" : svpe_queue_name(op->queue));
        put_cell(to, op->meaning);
        put_unused(to, op);
        put_regions(to, op);
        put(to, " |\n");
    }
    put(to, "\n");
}

/* Mnemonics of the instructions that read such parameters. */
static void put_readers(struct writer *to, enum svpe_param param) {
    const char *before = "- ";
    for (int n = 0; n < SVPE_OP_COUNT; n++) {
        const struct svpe_op_info *op = svpe_op_info((enum svpe_op)n);
        if (!op->param.known || op->param.kind != param) continue;
        write_text(to, "%s`%s`", before, op->mnemonic);
        before = ", ";
    }
}

static void put_params(struct writer *to) {
    for (int n = 0; n < SVPE_PARAM_COUNT; n++) {
        put_readers(to, (enum svpe_param)n);
        write_text(to, ": %s.\n", svpe_param_info((enum svpe_param)n)->meaning);
    }
    put(to, "\n");
}

static void put_operands(struct writer *to) {
    for (int f = 0; f < SVPE_FORMAT_COUNT; f++) {
        const struct svpe_vector_info *v = svpe_vector_info((enum svpe_format)f);
        for (int n = 0; v && n < SVPE_MAX_SOURCES; n++) {
            const struct svpe_operand *o = &v->source[n];
            if (!o->what) continue;
            write_text(to, "- %s, %s `%s`: %s.\n", svpe_format_info((enum svpe_format)f)->name,
                       o->what, svpe_field_info(o->at)->name, svpe_walk_info(o->walk)->meaning);
        }
    }
    put(to, "\n");
}

/* The mnemonic in front of the first line, the others below it. */
static void put_meaning(struct writer *to, const struct svpe_op_info *op) {
    const char *name = op->mnemonic;
    for (const char *line = op->computes; *line; name = "") {
        int length = (int)strcspn(line, "\n");
        write_text(to, "%-8s %.*s\n", name, length, line);
        line += length + (line[length] == '\n');
    }
}

static void put_vector_unit(struct writer *to) {
    put(to, vector_text);
    put_operands(to);
    put(to, "```\n");
    for (int n = 0; n < SVPE_OP_COUNT; n++) {
        const struct svpe_op_info *op = svpe_op_info((enum svpe_op)n);
        if (op->computes) put_meaning(to, op);
    }
    put(to, "```\n\n");
}

static const struct {
    const char *format, *what, *rule;
} rules[] = {
#define CLAMP(format, lo, hi)             {#format, #lo " and " #hi, "of A bits, " #lo " ≤ " #hi},
#define EITHER(format, p, q)              {#format, #p " or " #q, "zero"},
#define ZERO(format, field, flag, v, why) {#format, #field, "zero " why},
#define NEEDS(format, field, key, why)    {#format, #field, "zero where " why},
#include "isa/svpe.def"
};

static bool same(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

/* A line for each format; fields under one rule side by side. */
static void put_rules(struct writer *to) {
    size_t count = sizeof rules / sizeof *rules;
    for (size_t n = 0; n < count; n++) {
        bool begins = n == 0 || !same(rules[n].format, rules[n - 1].format);
        bool ends = n + 1 == count || !same(rules[n].format, rules[n + 1].format);
        bool shared = !ends && same(rules[n].rule, rules[n + 1].rule);
        if (begins) write_text(to, "  - %s: ", rules[n].format);
        put(to, rules[n].what);
        if (!shared) write_text(to, " %s", rules[n].rule);
        put(to, ends ? ".\n" : shared ? ", " : "; ");
    }
}

static void put_port(struct writer *to, char uses) {
    write_text(to, uses >= 'A' ? " %c |" : " %d |", uses);
}

static void put_uops(struct writer *to) {
    put(to, uops_text);
    static const struct {
        const char *letter, *meaning;
    } uses[] = {
#define USE(letter, text, meaning) {text, meaning},
#include "isa/svpe.def"
    };
    for (size_t n = 0; n < sizeof uses / sizeof *uses; n++)
        write_text(to, "- %s: %s.\n", uses[n].letter, uses[n].meaning);
    put(to, "\n| | act reads | wgt reads | acc reads | acc writes | act writes | par reads | "
            "meaning |\n"
            "|---|---|---|---|---|---|---|---|\n");
    for (int n = 0; n < SVPE_UOP_COUNT; n++) {
        const struct svpe_uop_info *u = svpe_uop_info((enum svpe_uop_kind)n);
        write_text(to, "| `%s` |", u->mnemonic);
        put_port(to, u->act_reads);
        put_port(to, u->wgt_reads);
        put_port(to, u->acc_reads);
        put_port(to, u->acc_writes);
        put_port(to, u->act_writes);
        put_port(to, u->par_reads);
        put(to, " ");
        put_cell(to, u->meaning);
        put(to, " |\n");
    }
    put(to, "\n");
}

static void put_wfmts(struct writer *to) {
    put(to, wfmt_text);
    for (int n = 0; n < SVPE_WFMT_COUNT; n++) {
        const struct svpe_wfmt_info *f = svpe_wfmt_info((enum svpe_wfmt)n);
        write_text(to, "| %d | %s | %d | ", n, f->name, f->bits);
        write_text(to, f->least < f->most ? "%d…%d" : "%d", f->least, f->most);
        write_text(to, " | %s |\n", f->meaning);
    }
    put(to, "\n");
}

static const struct {
    const char *name, *meaning;
    int64_t min, max;
} target_keys[] = {
#define TARGET_KEY(name, min, max, meaning) {#name, meaning, min, max},
#include "isa/target.def"
#undef TARGET_KEY
};

static void put_targets(struct writer *to) {
    put(to, target_text);
    for (size_t n = 0; n < sizeof target_keys / sizeof *target_keys; n++) {
        write_text(to, "| %s | %" PRId64 "…%" PRId64 " | ", target_keys[n].name, target_keys[n].min,
                   target_keys[n].max);
        put_cell(to, target_keys[n].meaning);
        put(to, " |\n");
    }
}

void svpe_print_manual(struct writer *to) {
    put(to, head_text);
    put_names(to, "buffer", SVPE_BUFFER_COUNT, buffer_info, "unit | ");
    put_names(to, "region", SVPE_REGION_COUNT, region_info, "");
    put_names(to, "queue", SVPE_QUEUE_COUNT, queue_info, "");
    put(to, tokens_text);
    put_instructions(to);
    put_formats(to);
    put(to, layouts_text);
    put_params(to);
    put(to, conv_text);
    put_names(to, "form", SVPE_FORM_COUNT, form_info, "");
    put_vector_unit(to);
    put_wfmts(to);
    put_uops(to);
    put(to, checks_text);
    put_rules(to);
    write_text(to,
               "- More than %" PRId64
               " steps: weight blocks times pixel groups of a `conv`, vectors times taps\n"
               "  of the vector unit.\n\n",
               SVPE_MAX_STEPS);
    put(to, asm_text);
    put_targets(to);
}
