/* docs/container.md, from container.def. */
#include "isa/container.h"

#include <inttypes.h>
#include <string.h>

static void put(struct writer *to, const char *text) {
    write_bytes(to, text, strlen(text));
}

static const char *const kind_texts[SVPE_MEMBER_KIND_COUNT] = {
    [SVPE_MEMBER_I32] = "i32",  [SVPE_MEMBER_U32] = "u32",  [SVPE_MEMBER_I64] = "i64",
    [SVPE_MEMBER_U64] = "u64",  [SVPE_MEMBER_F64] = "f64",  [SVPE_MEMBER_BOOL] = "u32",
    [SVPE_MEMBER_ENUM] = "u32", [SVPE_MEMBER_STR] = "text", [SVPE_MEMBER_TABLE] = "table",
};

/* clang-format off */
static const char head_text[] =
    "# The .svpe file\n"
    "\n"
    "Printed by `nbq-objdump --manual=container` from `isa/container.def` and\n"
    "`isa/container_manual.c`. Do not edit: change those and print it again; a test compares.\n"
    "\n"
    "A program: device code, weights, parameters, and what a host needs to feed it and read its\n"
    "result. All numbers are little-endian. The same program always gives the same bytes.\n"
    "\n"
    "## Header\n"
    "\n"
    "| offset | type | what |\n"
    "|---|---|---|\n";

static const char sections_text[] =
    "## Sections\n"
    "\n"
    "The section table follows: for each section, in this order, its number (u32), the CRC32C of\n"
    "its bytes (u32), its offset (u64) and its size (u64). Each section begins at the first\n"
    "multiple of 64 at or behind the end of the one before; the bytes between are zero, and the\n"
    "last one ends the file. So there is exactly one way to write a program down, and every byte\n"
    "of a file is covered by a checksum or known to be zero.\n"
    "\n"
    "| | name | what |\n"
    "|---|---|---|\n";

static const char records_text[] =
    "## Records\n"
    "\n"
    "A section of records holds nothing else. Members stand one after the other without gaps. A\n"
    "*text* is a u32: the offset of its first byte in the strings section. A *table* is a u32:\n"
    "the first of its rows in the tables section. Integers outside the range given are refused.\n"
    "\n";

static const char rest_text[] =
    "## What a reader refuses beyond ranges\n"
    "\n"
    "- A tensor that is not inside its region, that is smaller than its layout needs, whose\n"
    "  dimensions do not multiply to C·H·W, whose bits are not the program's (plain: not 8, 16,\n"
    "  32 or 64), or whose zero is neither 0 nor −2^(bits−1).\n"
    "- An index of a tensor, a text or a table that does not exist; a text with control\n"
    "  characters.\n"
    "- Device segments that do not follow each other without gaps from the first byte of the code\n"
    "  to its last.\n"
    "- Host segments that do not follow each other in the same way through the host nodes; a host\n"
    "  segment without nodes or with code; unused members that are not zero.\n"
    "- Host nodes whose attributes, and host nodes and attributes whose lists, do not fill\n"
    "  hostattrs and hostlists in order: of each node its inputs, its outputs, then the lists of\n"
    "  its attributes.\n"
    "- Constants that are not inside hostdata or do not begin at a multiple of 64; a constant\n"
    "  that has a tensor as well.\n"
    "- Doubles that are not finite, but for attributes; standard deviations of zero.\n"
    "\n"
    "The instructions themselves are the loader's business: docs/isa.md. So is what host nodes\n"
    "mean: operators, types, shapes.\n";

/* clang-format on */

_Static_assert(SVPE_SECTION_ALIGN == 64, "sections_text says so");

static void put_head(struct writer *to) {
    put(to, head_text);
    put(to, "| 0 | 4 bytes | `" SVPE_FILE_MAGIC "` |\n");
    write_text(to, "| %d | u32 | format version: %d |\n", SVPE_HEADER_VERSION_AT,
               SVPE_FILE_VERSION);
    write_text(to, "| %d | u64 | hash of the instruction set: everything in svpe.def but texts |\n",
               SVPE_HEADER_ISA_AT);
    write_text(to, "| %d | u64 | hash of the target: every key, not its name |\n",
               SVPE_HEADER_TARGET_AT);
    write_text(to, "| %d | u64 | size of the file |\n", SVPE_HEADER_SIZE_AT);
    write_text(to, "| %d | u32 | number of sections: %d |\n", SVPE_HEADER_COUNT_AT,
               SVPE_SECTION_COUNT);
    write_text(
        to, "| %d | u32 | CRC32C of header and section table, these four bytes taken as zero |\n",
        SVPE_HEADER_CRC_AT);
    write_text(to, "| %d | | zeros up to %d |\n\n", SVPE_HEADER_CRC_AT + 4, SVPE_FILE_HEADER);
}

static void put_sections(struct writer *to) {
    put(to, sections_text);
    for (int s = 0; s < SVPE_SECTION_COUNT; s++) {
        write_text(to, "| %d | %s | %s |\n", s, svpe_sections[s].name, svpe_sections[s].meaning);
    }
    put(to, "\n");
}

static void put_member(struct writer *to, const struct svpe_member_info *m) {
    char count[16] = "", range[64] = "";
    bool integer =
        m->kind != SVPE_MEMBER_F64 && m->kind != SVPE_MEMBER_STR && m->kind != SVPE_MEMBER_TABLE;
    bool bounded = m->min != INT64_MIN && m->max != INT64_MAX;
    if (m->count > 1) snprintf(count, sizeof count, "[%d]", m->count);
    if (integer && bounded) {
        snprintf(range, sizeof range, "%" PRId64 "…%" PRId64, m->min, m->max);
    }
    write_text(to, "| %s | %s%s | %s | %s |\n", m->name, kind_texts[m->kind], count, range,
               m->meaning);
}

static void put_records(struct writer *to) {
    put(to, records_text);
    for (int r = 0; r < SVPE_RECORD_COUNT; r++) {
        write_text(to,
                   "### %s: section %s, %zu bytes each\n\n| member | type | range | what "
                   "|\n|---|---|---|---|\n",
                   svpe_records[r].name, svpe_sections[svpe_records[r].section].name,
                   svpe_record_bytes((enum svpe_record)r));
        for (int i = 0; i < svpe_member_count; i++) {
            if (svpe_members[i].record == (enum svpe_record)r) put_member(to, &svpe_members[i]);
        }
        put(to, "\n");
    }
}

void svpe_print_container_manual(struct writer *to) {
    put_head(to);
    put_sections(to);
    put_records(to);
    put(to, rest_text);
}
