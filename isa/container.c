/* Writing the .svpe file. Layout: header, section table, sections in the order of container.def,
 * each at the next multiple of 64 bytes, zeros between. The same program gives the same bytes.
 * docs/container.md has the whole. */
#include "isa/container.h"

#include <assert.h>
#include <string.h>

struct span {
    const void *data;
    size_t size;
};

struct build {
    struct arena *a;
    const struct svpe_program *p;
    struct writer strings, tables;
    struct hash_key key;
    uint32_t *slots;              /* a hash table: offset + 1 of each text in strings; 0: free */
    size_t slot_room, slot_count; /* room: a power of two, at least twice the count */
    struct span sections[SVPE_SECTION_COUNT];
};

/* The slot of a text, or the free one where it belongs. */
static uint32_t *slot_of(const struct build *b, const char *s) {
    size_t i = (size_t)hash_keyed(b->key, s, strlen(s)) & (b->slot_room - 1);
    while (b->slots[i] && strcmp((const char *)b->strings.data + b->slots[i] - 1, s) != 0)
        i = (i + 1) & (b->slot_room - 1);
    return &b->slots[i];
}

static void more_slots(struct build *b) {
    size_t old_room = b->slot_room;
    const uint32_t *old = b->slots;
    b->slot_room = old_room ? 2 * old_room : 64;
    b->slots = arena_array(b->a, b->slot_room, sizeof *b->slots);
    for (size_t i = 0; i < old_room; i++)
        if (old[i]) *slot_of(b, (const char *)b->strings.data + old[i] - 1) = old[i];
}

/* Offset of a text in the strings section, added when it is not there yet. Control characters,
 * which would let a model's names play with a terminal, become '?'. */
static uint32_t add_string(struct build *b, const char *text) {
    char *s = arena_strdup(b->a, text ? text : "");
    for (char *p = s; *p; p++) {
        if ((unsigned char)*p < 0x20 || *p == 0x7f) *p = '?';
    }
    if (2 * (b->slot_count + 1) > b->slot_room) more_slots(b);
    uint32_t *slot = slot_of(b, s);
    if (!*slot) {
        *slot = (uint32_t)b->strings.size + 1;
        b->slot_count++;
        write_bytes(&b->strings, s, strlen(s) + 1);
    }
    return *slot - 1;
}

/* First row of an input's tables. */
static uint32_t add_table(struct build *b, const struct svpe_input *in) {
    /* Records are of the kind their table says. NOLINTNEXTLINE(clang-analyzer-core.*) */
    if (!in->has_table) return 0;
    size_t row = b->tables.size / (2 * SVPE_TABLE_ROW);
    int channels = b->p->tensors[in->tensor].channels;
    for (int i = 0; i < channels * SVPE_TABLE_ROW; i++) {
        write_u16(&b->tables, (uint16_t)in->table[i]);
    }
    return (uint32_t)row;
}

/* Never inlined: beside a record of one kind, gcc takes the branches of all others for possible and
 * warns. */
static __attribute__((noinline)) void write_member(struct build *b, struct writer *w,
                                                   const void *record,
                                                   const struct svpe_member_info *m,
                                                   const char *from) {
    int32_t small;
    uint64_t large;
    const char *text;
    switch (m->kind) {
    case SVPE_MEMBER_I32:
    case SVPE_MEMBER_U32:
    case SVPE_MEMBER_ENUM:
        memcpy(&small, from, sizeof small);
        write_u32(w, (uint32_t)small);
        break;
    case SVPE_MEMBER_I64:
    case SVPE_MEMBER_U64:
    case SVPE_MEMBER_F64:
        memcpy(&large, from, sizeof large);
        write_u64(w, large);
        break;
    case SVPE_MEMBER_BOOL:
        write_u32(w, *(const bool *)from ? 1 : 0);
        break;
    case SVPE_MEMBER_STR:
        memcpy(&text, from, sizeof text);
        write_u32(w, add_string(b, text));
        break;
    case SVPE_MEMBER_TABLE:
        write_u32(w, add_table(b, record));
        break;
    case SVPE_MEMBER_KIND_COUNT:
        break;
    }
}

static void write_records(struct build *b, enum svpe_record r, const void *records, int count) {
    struct writer w;
    writer_init(&w, b->a);
    for (int n = 0; n < count; n++) {
        const char *record = (const char *)records + (size_t)n * svpe_records[r].size;
        for (int i = 0; i < svpe_member_count; i++) {
            const struct svpe_member_info *m = &svpe_members[i];
            if (m->record != r) continue;
            for (int k = 0; k < m->count; k++) {
                write_member(b, &w, record, m,
                             record + m->offset + (size_t)k * svpe_member_memory(m->kind));
            }
        }
    }
    b->sections[svpe_records[r].section] = (struct span){w.data, w.size};
}

static struct span text_span(const char *s, size_t extra) {
    return (struct span){s, strlen(s) + extra};
}

static void build_sections(struct build *b) {
    const struct svpe_program *p = b->p;
    struct svpe_program_record head = {p->name,       p->target->name, p->act_bits,
                                       p->work_bytes, p->in_bytes,     p->out_bytes};
    struct svpe_output_record *outputs =
        arena_array(b->a, (size_t)p->output_count, sizeof *outputs);
    for (int i = 0; i < p->output_count; i++) outputs[i].tensor = p->outputs[i];
    struct svpe_host_list_record *items =
        arena_array(b->a, (size_t)p->host_list_count, sizeof *items);
    for (int i = 0; i < p->host_list_count; i++) items[i].v = p->host_lists[i];
    add_string(b, "");
    write_records(b, SVPE_RECORD_svpe_program_record, &head, 1);
    write_records(b, SVPE_RECORD_svpe_tensor, p->tensors, p->tensor_count);
    write_records(b, SVPE_RECORD_svpe_input, p->inputs, p->input_count);
    write_records(b, SVPE_RECORD_svpe_output_record, outputs, p->output_count);
    write_records(b, SVPE_RECORD_svpe_layer, p->layers, p->layer_count);
    write_records(b, SVPE_RECORD_svpe_segment, p->segments, p->segment_count);
    write_records(b, SVPE_RECORD_svpe_host_value, p->host_values, p->host_value_count);
    write_records(b, SVPE_RECORD_svpe_host_node, p->host_nodes, p->host_node_count);
    write_records(b, SVPE_RECORD_svpe_host_attr, p->host_attrs, p->host_attr_count);
    write_records(b, SVPE_RECORD_svpe_host_list_record, items, p->host_list_count);
    struct span *s = b->sections;
    s[SVPE_SECTION_TARGET] = text_span(svpe_target_text(b->a, p->target), 0);
    s[SVPE_SECTION_STRINGS] = (struct span){b->strings.data, b->strings.size};
    s[SVPE_SECTION_TABLES] = (struct span){b->tables.data, b->tables.size};
    s[SVPE_SECTION_SCHEDULE] = text_span(p->schedule ? p->schedule : "", 1);
    s[SVPE_SECTION_PARAMS] = (struct span){p->params, p->param_bytes};
    s[SVPE_SECTION_HOST_DATA] = (struct span){p->host_data, p->host_data_bytes};
    s[SVPE_SECTION_CODE] = (struct span){p->code, p->code_bytes};
    s[SVPE_SECTION_WEIGHTS] = (struct span){p->weights, p->weight_bytes};
}

/* Header and section table. The checksum over them covers the file's size, so nothing can be
 * appended either. */
static void write_head(struct build *b, struct writer *to) {
    struct writer w;
    writer_init(&w, b->a);
    write_bytes(&w, SVPE_FILE_MAGIC, 4);
    write_u32(&w, SVPE_FILE_VERSION);
    write_u64(&w, svpe_isa_hash(b->a));
    write_u64(&w, svpe_target_hash(b->p->target));
    write_u64(&w, 0); /* file size */
    write_u32(&w, SVPE_SECTION_COUNT);
    write_u32(&w, 0); /* checksum */
    write_align(&w, SVPE_FILE_HEADER);
    size_t at = SVPE_FILE_HEADER + SVPE_SECTION_COUNT * SVPE_SECTION_ENTRY;
    for (int i = 0; i < SVPE_SECTION_COUNT; i++) {
        const struct span *s = &b->sections[i];
        at = svpe_align_section(at);
        write_u32(&w, (uint32_t)i);
        write_u32(&w, crc32c(0, s->data, s->size));
        write_u64(&w, at);
        write_u64(&w, s->size);
        at += s->size;
    }
    patch_u64(&w, SVPE_HEADER_SIZE_AT, at);
    patch_u32(&w, SVPE_HEADER_CRC_AT, crc32c(0, w.data, w.size));
    write_bytes(to, w.data, w.size);
}

void svpe_write(const struct svpe_program *p, struct writer *to) {
    assert(to->size == 0);
    struct build b = {.a = to->arena, .p = p, .key = hash_key_new()};
    writer_init(&b.strings, b.a);
    writer_init(&b.tables, b.a);
    build_sections(&b);
    write_head(&b, to);
    for (int i = 0; i < SVPE_SECTION_COUNT; i++) {
        write_align(to, SVPE_SECTION_ALIGN);
        write_bytes(to, b.sections[i].data, b.sections[i].size);
    }
}
