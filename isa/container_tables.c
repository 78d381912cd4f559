/* container.def expanded into constant tables. */
#include "isa/container.h"

const struct svpe_section_info svpe_sections[SVPE_SECTION_COUNT] = {
#define SECTION(name_, text, meaning_) [SVPE_SECTION_##name_] = {text, meaning_},
#include "isa/container.def"
};

const struct svpe_record_info svpe_records[SVPE_RECORD_COUNT] = {
#define RECORD(record, text, section_)                                                             \
    [SVPE_RECORD_##record] = {text, SVPE_SECTION_##section_, sizeof(struct record)},
#include "isa/container.def"
};

const struct svpe_member_info svpe_members[] = {
#define MEMBER(record_, kind_, member, count_, min_, max_, meaning_)                               \
    {.record = SVPE_RECORD_##record_,                                                              \
     .kind = SVPE_MEMBER_##kind_,                                                                  \
     .name = #member,                                                                              \
     .meaning = meaning_,                                                                          \
     .offset = offsetof(struct record_, member),                                                   \
     .count = count_,                                                                              \
     .min = min_,                                                                                  \
     .max = max_},
#include "isa/container.def"
};
const int svpe_member_count = sizeof svpe_members / sizeof *svpe_members;

static const struct {
    size_t file, memory;
} kinds[SVPE_MEMBER_KIND_COUNT] = {
    [SVPE_MEMBER_I32] = {4, sizeof(int)},
    [SVPE_MEMBER_U32] = {4, sizeof(uint32_t)},
    [SVPE_MEMBER_I64] = {8, sizeof(int64_t)},
    [SVPE_MEMBER_U64] = {8, sizeof(uint64_t)},
    [SVPE_MEMBER_F64] = {8, sizeof(double)},
    [SVPE_MEMBER_BOOL] = {4, sizeof(bool)},
    [SVPE_MEMBER_ENUM] = {4, sizeof(enum svpe_region)},
    [SVPE_MEMBER_STR] = {4, sizeof(const char *)},
    [SVPE_MEMBER_TABLE] = {4, sizeof(const int16_t *)},
};
_Static_assert(sizeof(int) == 4 && sizeof(enum svpe_region) == 4 && sizeof(double) == 8,
               "records hold int and enum as 32 bits, double as 64");

size_t svpe_member_bytes(enum svpe_member_kind k) {
    return kinds[k].file;
}

size_t svpe_member_memory(enum svpe_member_kind k) {
    return kinds[k].memory;
}

size_t svpe_record_bytes(enum svpe_record r) {
    size_t bytes = 0;
    for (int i = 0; i < svpe_member_count; i++) {
        const struct svpe_member_info *m = &svpe_members[i];
        if (m->record == r) bytes += (size_t)m->count * svpe_member_bytes(m->kind);
    }
    return bytes;
}

size_t svpe_align_section(size_t at) {
    return (at + SVPE_SECTION_ALIGN - 1) / SVPE_SECTION_ALIGN * SVPE_SECTION_ALIGN;
}
