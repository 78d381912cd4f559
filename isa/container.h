/* What writer, reader and manual of the .svpe file share: container.def expanded. Private to
 * isa/. */
#ifndef NBQ_ISA_CONTAINER_H
#define NBQ_ISA_CONTAINER_H

#include "isa/isa.h"

enum {
    SVPE_FILE_VERSION = 3,
    SVPE_FILE_HEADER = 64,      /* bytes before the section table, as below; the rest is zero */
    SVPE_HEADER_VERSION_AT = 4, /* u32 */
    SVPE_HEADER_ISA_AT = 8,     /* u64: svpe_isa_hash() */
    SVPE_HEADER_TARGET_AT = 16, /* u64: svpe_target_hash() */
    SVPE_HEADER_SIZE_AT = 24,   /* u64: of the file */
    SVPE_HEADER_COUNT_AT = 32,  /* u32: sections */
    SVPE_HEADER_CRC_AT = 36,    /* u32: CRC32C of header and section table, with zeros here */
    SVPE_SECTION_ENTRY = 24,    /* bytes per section in the table */
    SVPE_SECTION_ALIGN = 64,
    SVPE_TABLE_ROW = 256
};
#define SVPE_FILE_MAGIC       "SVPE"
#define SVPE_MAX_REGION_BYTES (INT64_C(1) << 32) /* instructions hold 32-bit offsets */

enum svpe_section {
#define SECTION(name, ...) SVPE_SECTION_##name,
#include "isa/container.def"
    SVPE_SECTION_COUNT
};
enum svpe_record {
#define RECORD(record, ...) SVPE_RECORD_##record,
#include "isa/container.def"
    SVPE_RECORD_COUNT
};
enum svpe_member_kind {
    SVPE_MEMBER_I32,
    SVPE_MEMBER_U32,
    SVPE_MEMBER_I64,
    SVPE_MEMBER_U64,
    SVPE_MEMBER_F64,
    SVPE_MEMBER_BOOL,
    SVPE_MEMBER_ENUM,
    SVPE_MEMBER_STR,
    SVPE_MEMBER_TABLE,
    SVPE_MEMBER_KIND_COUNT
};

/* In memory these are spread over struct svpe_program. */
struct svpe_program_record {
    const char *name, *target;
    int act_bits;
    uint64_t work_bytes, in_bytes, out_bytes;
};
struct svpe_output_record {
    int tensor;
};
struct svpe_host_list_record {
    int64_t v;
};

struct svpe_member_info {
    enum svpe_record record;
    enum svpe_member_kind kind;
    const char *name, *meaning;
    size_t offset; /* in the C type */
    int count;
    int64_t min, max;
};
struct svpe_record_info {
    const char *name;
    enum svpe_section section;
    size_t size; /* of the C type */
};
struct svpe_section_info {
    const char *name, *meaning;
};

/* container_tables.c */
extern const struct svpe_section_info svpe_sections[SVPE_SECTION_COUNT];
extern const struct svpe_record_info svpe_records[SVPE_RECORD_COUNT];
extern const struct svpe_member_info svpe_members[];
extern const int svpe_member_count;
size_t svpe_member_bytes(enum svpe_member_kind k);  /* in the file */
size_t svpe_member_memory(enum svpe_member_kind k); /* in the C type */
size_t svpe_record_bytes(enum svpe_record r);       /* in the file */
size_t svpe_align_section(size_t at);

#endif
