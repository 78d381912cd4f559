/* Reading the .svpe file: hostile until proven otherwise. What holds afterwards: the layout is
 * exactly the one svpe_write() makes, every checksum is right, every number lies in the range
 * container.def gives, every index, string and tensor lies inside what it refers to. Instructions
 * are not looked at. */
#include "isa/container.h"
#include "isa/diag.h"

#include <math.h>
#include <string.h>

struct section {
    const uint8_t *data;
    size_t size;
};

struct load {
    struct ctx *c;
    struct arena *a;
    const char *file;
    const uint8_t *bytes;
    size_t size;
    struct section sections[SVPE_SECTION_COUNT];
    int16_t *tables; /* decoded */
    size_t table_rows;
    struct svpe_program *p;
};

__attribute__((format(printf, 3, 4))) static bool section_fault(struct load *l, enum svpe_section s,
                                                                const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    diag(l->c, svpe_section, l->file, svpe_sections[s].name, text);
    return false;
}

__attribute__((format(printf, 4, 5))) static bool record_fault(struct load *l, enum svpe_record r,
                                                               int n, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return section_fault(l, svpe_records[r].section, "%s %d: %s", svpe_records[r].name, n, text);
}

/* Header. */

static bool check_start(struct load *l) {
    size_t table_end = SVPE_FILE_HEADER + SVPE_SECTION_COUNT * SVPE_SECTION_ENTRY;
    if (l->size < 4 || memcmp(l->bytes, SVPE_FILE_MAGIC, 4) != 0) {
        const char *found = l->size < 4
                                ? arena_printf(l->a, "%zu bytes in all", l->size)
                                : arena_printf(l->a, "bytes %02x %02x %02x %02x", l->bytes[0],
                                               l->bytes[1], l->bytes[2], l->bytes[3]);
        diag(l->c, svpe_magic, l->file, found);
        return false;
    }
    if (l->size < SVPE_FILE_HEADER) {
        diag(l->c, svpe_short, l->file, l->size, (unsigned long long)table_end);
        return false;
    }
    struct reader r = reader_of(l->bytes, l->size);
    read_bytes(&r, SVPE_HEADER_VERSION_AT);
    uint32_t version = read_u32(&r);
    unsigned long long isa = read_u64(&r), isa_here = svpe_isa_hash(l->a);
    if (version != SVPE_FILE_VERSION) {
        diag(l->c, svpe_version, l->file, version, (unsigned)SVPE_FILE_VERSION);
    } else if (isa != isa_here) {
        diag(l->c, svpe_isa, l->file, isa, isa_here);
    } else if (l->size < table_end) {
        diag(l->c, svpe_short, l->file, l->size, (unsigned long long)table_end);
    } else {
        return true;
    }
    return false;
}

static bool check_header(struct load *l) {
    size_t head = SVPE_FILE_HEADER + SVPE_SECTION_COUNT * SVPE_SECTION_ENTRY;
    struct reader r = reader_of(l->bytes + SVPE_HEADER_SIZE_AT, head - SVPE_HEADER_SIZE_AT);
    unsigned long long size = read_u64(&r);
    uint32_t count = read_u32(&r), crc = read_u32(&r);
    uint8_t *copy = arena_copy(l->a, l->bytes, head);
    memset(copy + SVPE_HEADER_CRC_AT, 0, 4);
    uint32_t found = crc32c(0, copy, head);
    if (count != SVPE_SECTION_COUNT) {
        const char *text =
            arena_printf(l->a, "%u sections; expected %d", count, SVPE_SECTION_COUNT);
        diag(l->c, svpe_header, l->file, text);
    } else if (found != crc) {
        diag(l->c, svpe_header_crc, l->file, found, crc);
    } else if (size > l->size) {
        diag(l->c, svpe_short, l->file, l->size, size);
    } else if (size < l->size) {
        diag(l->c, svpe_long, l->file, l->size, size);
    } else {
        while (reader_left(&r) > SVPE_SECTION_COUNT * SVPE_SECTION_ENTRY) {
            if (read_u8(&r) == 0) continue;
            diag(l->c, svpe_header, l->file, "a reserved byte is not zero");
            return false;
        }
        return true;
    }
    return false;
}

/* The place of every section follows from the sizes, so overlaps, holes and repetitions cannot be
 * written down. */
static bool find_section(struct load *l, struct reader *r, int n, size_t *at) {
    enum svpe_section s = (enum svpe_section)n;
    size_t start = svpe_align_section(*at);
    uint32_t kind = read_u32(r), crc = read_u32(r);
    uint64_t offset = read_u64(r), size = read_u64(r);
    if (kind != (uint32_t)n) {
        return section_fault(l, s, "expected in row %d of the section table, found section %s", n,
                             kind < SVPE_SECTION_COUNT ? svpe_sections[kind].name : "of no name");
    }
    if (offset != start) {
        return section_fault(l, s, "begins at byte %llu; expected %zu", (unsigned long long)offset,
                             start);
    }
    if (start > l->size || size > l->size - start) {
        return section_fault(l, s, "has %llu bytes; expected at most %zu, the rest of the file",
                             (unsigned long long)size, start > l->size ? 0 : l->size - start);
    }
    for (size_t i = *at; i < start; i++) {
        if (l->bytes[i]) return section_fault(l, s, "the padding before it is not zero");
    }
    l->sections[n] = (struct section){l->bytes + start, (size_t)size};
    uint32_t found = crc32c(0, l->bytes + start, (size_t)size);
    if (found != crc) {
        return section_fault(l, s, "the checksum is %08x; expected %08x", found, crc);
    }
    *at = start + (size_t)size;
    return true;
}

static bool find_sections(struct load *l) {
    size_t at = SVPE_FILE_HEADER + SVPE_SECTION_COUNT * SVPE_SECTION_ENTRY;
    struct reader r = reader_of(l->bytes + SVPE_FILE_HEADER, at - SVPE_FILE_HEADER);
    for (int n = 0; n < SVPE_SECTION_COUNT; n++) {
        if (!find_section(l, &r, n, &at)) return false;
    }
    if (at == l->size) return true;
    diag(l->c, svpe_long, l->file, l->size, (unsigned long long)at);
    return false;
}

/* Texts and tables, which records point into. */

static bool check_strings(struct load *l) {
    struct section s = l->sections[SVPE_SECTION_STRINGS];
    if (s.size == 0 || s.data[0] != 0 || s.data[s.size - 1] != 0) {
        return section_fault(l, SVPE_SECTION_STRINGS,
                             "expected a zero byte at its beginning and at its end");
    }
    for (size_t i = 0; i < s.size; i++) {
        if ((s.data[i] && s.data[i] < 0x20) || s.data[i] == 0x7f) {
            return section_fault(l, SVPE_SECTION_STRINGS,
                                 "byte %zu is a control character (%02x); expected text", i,
                                 s.data[i]);
        }
    }
    s = l->sections[SVPE_SECTION_SCHEDULE];
    if (s.size == 0 || memchr(s.data, 0, s.size) != s.data + s.size - 1) {
        return section_fault(l, SVPE_SECTION_SCHEDULE, "expected one zero byte, at its end");
    }
    l->p->schedule = (const char *)s.data;
    return true;
}

static bool read_tables(struct load *l) {
    struct section s = l->sections[SVPE_SECTION_TABLES];
    if (s.size % (2 * SVPE_TABLE_ROW)) {
        return section_fault(l, SVPE_SECTION_TABLES, "has %zu bytes; expected rows of %d", s.size,
                             2 * SVPE_TABLE_ROW);
    }
    l->table_rows = s.size / (2 * SVPE_TABLE_ROW);
    l->tables = arena_array(l->a, s.size / 2, sizeof *l->tables);
    struct reader r = reader_of(s.data, s.size);
    for (size_t i = 0; i < s.size / 2; i++) l->tables[i] = (int16_t)read_u16(&r);
    return true;
}

/* Records. */

/* A string's offset, or a table's row. */
static bool read_pointer(struct load *l, const struct svpe_member_info *m, int n, uint32_t at,
                         char *to) {
    bool text = m->kind == SVPE_MEMBER_STR;
    size_t room = text ? l->sections[SVPE_SECTION_STRINGS].size : l->table_rows + 1;
    if (at >= room) {
        return record_fault(l, m->record, n, "%s: expected an offset below %zu, found %u", m->name,
                            room, at);
    }
    const void *p = l->tables + (text ? 0 : (size_t)at * SVPE_TABLE_ROW);
    if (text) p = l->sections[SVPE_SECTION_STRINGS].data + at;
    memcpy(to, &p, sizeof p);
    return true;
}

static bool in_range(struct load *l, const struct svpe_member_info *m, int n, int64_t v) {
    if (v >= m->min && v <= m->max) return true;
    return record_fault(l, m->record, n, "%s: expected %lld…%lld, found %lld", m->name,
                        (long long)m->min, (long long)m->max, (long long)v);
}

static bool read_member(struct load *l, struct reader *r, const struct svpe_member_info *m, int n,
                        char *to) {
    if (svpe_member_bytes(m->kind) == 8) {
        uint64_t v = read_u64(r);
        if (m->kind == SVPE_MEMBER_F64) {
            double d;
            memcpy(&d, &v, sizeof d);
            if (!isfinite(d) && m->max != 1)
                return record_fault(l, m->record, n, "%s: not finite", m->name);
        } else if (!in_range(l, m, n, (int64_t)v)) {
            return false;
        }
        memcpy(to, &v, sizeof v);
        return true;
    }
    uint32_t v = read_u32(r);
    if (m->kind == SVPE_MEMBER_STR || m->kind == SVPE_MEMBER_TABLE) {
        return read_pointer(l, m, n, v, to);
    }
    if (!in_range(l, m, n, m->kind == SVPE_MEMBER_U32 ? (int64_t)v : (int64_t)(int32_t)v)) {
        return false;
    }
    if (m->kind == SVPE_MEMBER_BOOL) {
        *(bool *)to = v != 0;
    } else {
        memcpy(to, &v, sizeof v);
    }
    return true;
}

/* The records of one section. NULL after a fault. */
static void *read_records(struct load *l, enum svpe_record record, int *count) {
    const struct svpe_record_info *info = &svpe_records[record];
    struct section s = l->sections[info->section];
    size_t bytes = svpe_record_bytes(record);
    if (s.size % bytes || s.size / bytes > INT32_MAX) {
        section_fault(l, info->section, "has %zu bytes; expected records of %zu", s.size, bytes);
        return NULL;
    }
    *count = (int)(s.size / bytes);
    char *records = arena_array(l->a, (size_t)*count, info->size);
    struct reader r = reader_of(s.data, s.size);
    for (int n = 0; n < *count; n++) {
        for (int i = 0; i < svpe_member_count; i++) {
            const struct svpe_member_info *m = &svpe_members[i];
            if (m->record != record) continue;
            char *to = records + (size_t)n * info->size + m->offset;
            for (int k = 0; k < m->count; k++, to += svpe_member_memory(m->kind)) {
                if (!read_member(l, &r, m, n, to)) return NULL;
            }
        }
    }
    return records;
}

static bool read_target(struct load *l, const char *name) {
    struct section s = l->sections[SVPE_SECTION_TARGET];
    const char *where = arena_printf(l->a, "%s: section target", l->file);
    struct svpe_target *t = svpe_target_parse(l->c, l->a, where, (const char *)s.data, s.size);
    if (!t) return false;
    struct reader r = reader_of(l->bytes + SVPE_HEADER_TARGET_AT, 8);
    unsigned long long expected = read_u64(&r), found = svpe_target_hash(t);
    if (found != expected) {
        return section_fault(l, SVPE_SECTION_TARGET,
                             "its hash is %016llx; the header expects %016llx", found, expected);
    }
    t->name = name;
    l->p->target = t;
    return true;
}

static bool read_program(struct load *l) {
    struct svpe_program *p = l->p;
    int count = 0;
    struct svpe_program_record *head = read_records(l, SVPE_RECORD_svpe_program_record, &count);
    if (!head) return false;
    if (count != 1) {
        return section_fault(l, SVPE_SECTION_PROGRAM, "%d records; expected 1", count);
    }
    if (!read_target(l, head->target)) return false;
    p->name = head->name;
    p->act_bits = head->act_bits;
    p->work_bytes = head->work_bytes;
    p->in_bytes = head->in_bytes;
    p->out_bytes = head->out_bytes;
    if (!(p->act_bits == 8 ? p->target->act8 : p->act_bits == 16 && p->target->act16)) {
        return record_fault(l, SVPE_RECORD_svpe_program_record, 0,
                            "act_bits: expected a width the target offers, found %d", p->act_bits);
    }
    struct section *s = l->sections;
    p->code = s[SVPE_SECTION_CODE].data;
    p->code_bytes = s[SVPE_SECTION_CODE].size;
    p->weights = s[SVPE_SECTION_WEIGHTS].data;
    p->weight_bytes = s[SVPE_SECTION_WEIGHTS].size;
    p->params = s[SVPE_SECTION_PARAMS].data;
    p->param_bytes = s[SVPE_SECTION_PARAMS].size;
    p->host_data = s[SVPE_SECTION_HOST_DATA].data;
    p->host_data_bytes = s[SVPE_SECTION_HOST_DATA].size;
    return true;
}

/* What ranges cannot say. */

static bool check_dims(struct load *l, int n, const struct svpe_tensor *t) {
    int64_t all = (int64_t)t->channels * t->height, product = 1;
    bool bounded = all <= (INT64_C(1) << 40) / t->width;
    all = bounded ? all * t->width : 0;
    for (int d = 0; d < t->rank && bounded; d++) {
        bounded = t->dims[d] > 0 && product <= all / t->dims[d];
        product *= bounded ? t->dims[d] : 1;
    }
    for (int d = t->rank; d < 8; d++) bounded = bounded && t->dims[d] == 0;
    if (bounded && product == all) return true;
    return record_fault(l, SVPE_RECORD_svpe_tensor, n,
                        "the product of its %d dimensions is not %d·%d·%d", t->rank, t->channels,
                        t->height, t->width);
}

/* Bytes the layout needs; check_dims() holds, so nothing overflows. */
static uint64_t layout_bytes(const struct svpe_program *p, const struct svpe_tensor *t) {
    uint64_t pixels = (uint64_t)t->height * (uint64_t)t->width;
    uint64_t v = (uint64_t)p->target->lanes;
    uint64_t blocks = ((uint64_t)t->channels + v - 1) / v;
    uint64_t element = (uint64_t)t->bits / 8;
    if (t->layout == SVPE_LAYOUT_PLAIN) return pixels * (uint64_t)t->channels * element;
    if (t->layout == SVPE_LAYOUT_STEM) return (pixels << t->px) * element;
    return blocks * pixels * v * element;
}

static bool check_tensor(struct load *l, int n) {
    const enum svpe_record record = SVPE_RECORD_svpe_tensor;
    const struct svpe_program *p = l->p;
    const struct svpe_tensor *t = &p->tensors[n];
    bool plain = t->layout == SVPE_LAYOUT_PLAIN, stem = t->layout == SVPE_LAYOUT_STEM;
    uint64_t region = t->region == SVPE_REGION_WORK ? p->work_bytes
                      : t->region == SVPE_REGION_IN ? p->in_bytes
                                                    : p->out_bytes;
    if (!check_dims(l, n, t)) return false;
    if (plain ? t->bits < 8 || (t->bits & (t->bits - 1)) : t->bits != p->act_bits) {
        return record_fault(l, record, n, "bits: expected %s, found %d",
                            plain              ? "8, 16, 32 or 64"
                            : p->act_bits == 8 ? "8"
                                               : "16",
                            t->bits);
    }
    if (plain == !t->dtype[0]) {
        return record_fault(l, record, n, "dtype: expected %s",
                            plain ? "a type, found none" : "none where integers are stored");
    }
    if (t->zero != 0 && (plain || t->zero != -(1 << (t->bits - 1)))) {
        return record_fault(l, record, n, "zero: expected 0 or −2^(bits−1), found %d", t->zero);
    }
    if (stem ? t->channels > 1 << t->px || 1 << t->px > p->target->lanes : t->px != 0) {
        return record_fault(l, record, n, "px: %d does not go with %d channels and this layout",
                            t->px, t->channels);
    }
    if (t->offset > region || t->bytes > region - t->offset) {
        return record_fault(l, record, n, "bytes %llu…%llu are outside region %s of %llu bytes",
                            (unsigned long long)t->offset, (unsigned long long)t->offset + t->bytes,
                            svpe_region_name(t->region), (unsigned long long)region);
    }
    if (t->bytes < layout_bytes(p, t)) {
        return record_fault(l, record, n, "bytes: expected at least %llu, found %llu",
                            (unsigned long long)layout_bytes(p, t), (unsigned long long)t->bytes);
    }
    return true;
}

static bool tensor_index(struct load *l, enum svpe_record record, int n, const char *what, int i) {
    if (i >= 0 && i < l->p->tensor_count) return true;
    return record_fault(l, record, n, "%s: expected a tensor below %d, found %d", what,
                        l->p->tensor_count, i);
}

static bool check_input(struct load *l, int n) {
    const enum svpe_record record = SVPE_RECORD_svpe_input;
    struct svpe_input *in = &l->p->inputs[n];
    if (!tensor_index(l, record, n, "tensor", in->tensor)) return false;
    const struct svpe_tensor *t = &l->p->tensors[in->tensor];
    for (int k = 0; k < 4; k++) {
        if (in->preprocess_given && in->std[k] == 0 && k < t->channels) {
            return record_fault(l, record, n, "std: expected a number that is not zero");
        }
    }
    size_t first = (size_t)(in->table - l->tables) / SVPE_TABLE_ROW;
    if (!in->has_table) {
        if (first) return record_fault(l, record, n, "table: expected 0 without tables");
        in->table = NULL;
        return true;
    }
    if (t->channels > 4 || first + (size_t)t->channels > l->table_rows) {
        return record_fault(l, record, n, "table: expected %d rows in the tables section's %zu",
                            t->channels, l->table_rows);
    }
    for (int k = 0; k < t->channels; k++) {
        if (in->source[k] >= t->channels) {
            return record_fault(l, record, n, "source: expected a channel below %d, found %d",
                                t->channels, in->source[k]);
        }
    }
    return true;
}

/* Each list begins where the one before ends, so that no part of it is used twice. */
static bool next_range(struct load *l, enum svpe_record record, int n, const char *what, int first,
                       int count, int *at, int room) {
    if (first == *at && count <= room - *at) {
        *at += count;
        return true;
    }
    return record_fault(l, record, n, "%s: %d + %d; expected to begin at %d and to end by %d", what,
                        first, count, *at, room);
}

struct taken { /* what the records so far use */
    uint64_t code;
    int nodes, attrs, lists;
};

static bool check_segment(struct load *l, int n, struct taken *t) {
    const enum svpe_record record = SVPE_RECORD_svpe_segment;
    const struct svpe_segment *s = &l->p->segments[n];
    if (s->host) {
        if (s->node_count > 0 && s->code_offset == 0 && s->code_bytes == 0) {
            return next_range(l, record, n, "nodes", s->first_node, s->node_count, &t->nodes,
                              l->p->host_node_count);
        }
        return record_fault(l, record, n, "expected nodes and no code");
    }
    if (s->first_node || s->node_count) {
        return record_fault(l, record, n, "expected code and no nodes");
    }
    if (s->code_offset != t->code || s->code_bytes > l->p->code_bytes - t->code) {
        return record_fault(l, record, n,
                            "code is at %llu + %llu; expected at %llu and inside %llu bytes",
                            (unsigned long long)s->code_offset, (unsigned long long)s->code_bytes,
                            (unsigned long long)t->code, (unsigned long long)l->p->code_bytes);
    }
    t->code += s->code_bytes;
    return true;
}

static bool check_host_value(struct load *l, int n) {
    const enum svpe_record record = SVPE_RECORD_svpe_host_value;
    const struct svpe_program *p = l->p;
    const struct svpe_host_value *v = &p->host_values[n];
    if (v->tensor >= 0 && !tensor_index(l, record, n, "tensor", v->tensor)) return false;
    for (int d = v->rank; d < 8; d++) {
        if (v->dims[d]) return record_fault(l, record, n, "dims: unused ones must be 0");
    }
    if (!v->dtype[0]) return record_fault(l, record, n, "dtype: expected a type, found none");
    if (v->bytes && v->tensor >= 0) {
        return record_fault(l, record, n, "expected a tensor or a constant, found both");
    }
    if (v->bytes ? v->at % SVPE_SECTION_ALIGN || v->at > p->host_data_bytes ||
                       v->bytes > p->host_data_bytes - v->at
                 : v->at != 0) {
        return record_fault(l, record, n,
                            "data is at %llu + %llu; expected at a multiple of %d and inside %llu "
                            "bytes",
                            (unsigned long long)v->at, (unsigned long long)v->bytes,
                            SVPE_SECTION_ALIGN, (unsigned long long)p->host_data_bytes);
    }
    return true;
}

static bool check_host_attr(struct load *l, int n, struct taken *t) {
    const struct svpe_host_attr *a = &l->p->host_attrs[n];
    enum svpe_attr_kind k = a->kind;
    bool rest = (k != SVPE_ATTR_INT && a->i) || (k != SVPE_ATTR_FLOAT && a->f != 0) ||
                (k != SVPE_ATTR_STRING && a->s[0]) ||
                (k != SVPE_ATTR_INTS && (a->first || a->count));
    if (rest) {
        return record_fault(l, SVPE_RECORD_svpe_host_attr, n,
                            "a member of another kind is not zero");
    }
    return k != SVPE_ATTR_INTS || next_range(l, SVPE_RECORD_svpe_host_attr, n, "list", a->first,
                                             a->count, &t->lists, l->p->host_list_count);
}

/* One of a node's lists of host values. */
static bool check_values(struct load *l, int n, const char *what, int first, int count,
                         struct taken *t) {
    const enum svpe_record record = SVPE_RECORD_svpe_host_node;
    const struct svpe_program *p = l->p;
    if (!next_range(l, record, n, what, first, count, &t->lists, p->host_list_count)) return false;
    for (int k = 0; k < count; k++) {
        int64_t v = p->host_lists[first + k];
        if (v < -1 || v >= p->host_value_count) {
            return record_fault(l, record, n, "%s: expected a host value below %d, found %lld",
                                what, p->host_value_count, (long long)v);
        }
    }
    return true;
}

static bool check_host_node(struct load *l, int n, struct taken *t) {
    const enum svpe_record record = SVPE_RECORD_svpe_host_node;
    const struct svpe_program *p = l->p;
    const struct svpe_host_node *h = &p->host_nodes[n];
    int attr = t->attrs;
    if (!h->op[0]) return record_fault(l, record, n, "op: expected an operator, found none");
    if (h->layer >= p->layer_count) {
        return record_fault(l, record, n, "layer: expected a layer below %d, found %d",
                            p->layer_count, h->layer);
    }
    if (!check_values(l, n, "inputs", h->in_first, h->in_count, t) ||
        !check_values(l, n, "outputs", h->out_first, h->out_count, t) ||
        !next_range(l, record, n, "attributes", h->attr_first, h->attr_count, &t->attrs,
                    p->host_attr_count)) {
        return false;
    }
    for (; attr < t->attrs; attr++) {
        if (!check_host_attr(l, attr, t)) return false;
    }
    return true;
}

/* Everything there is belongs to something. */
static bool check_taken(struct load *l, const struct taken *t) {
    const struct svpe_program *p = l->p;
    if (t->code != p->code_bytes) {
        return section_fault(l, SVPE_SECTION_CODE, "has %llu bytes; the segments use %llu",
                             (unsigned long long)p->code_bytes, (unsigned long long)t->code);
    }
    const struct {
        enum svpe_section section;
        int count, used;
    } lists[] = {{SVPE_SECTION_HOST_NODES, p->host_node_count, t->nodes},
                 {SVPE_SECTION_HOST_ATTRS, p->host_attr_count, t->attrs},
                 {SVPE_SECTION_HOST_LISTS, p->host_list_count, t->lists}};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        if (lists[i].count == lists[i].used) continue;
        return section_fault(l, lists[i].section, "has %d records; %d are used", lists[i].count,
                             lists[i].used);
    }
    return true;
}

static bool check_records(struct load *l) {
    struct svpe_program *p = l->p;
    struct taken taken = {0};
    for (int n = 0; n < p->tensor_count; n++) {
        if (!check_tensor(l, n)) return false;
    }
    for (int n = 0; n < p->input_count; n++) {
        if (!check_input(l, n)) return false;
    }
    for (int n = 0; n < p->output_count; n++) {
        if (!tensor_index(l, SVPE_RECORD_svpe_output_record, n, "tensor", p->outputs[n])) {
            return false;
        }
    }
    for (int n = 0; n < p->segment_count; n++) {
        if (!check_segment(l, n, &taken)) return false;
    }
    for (int n = 0; n < p->host_value_count; n++) {
        if (!check_host_value(l, n)) return false;
    }
    for (int n = 0; n < p->host_node_count; n++) {
        if (!check_host_node(l, n, &taken)) return false;
    }
    return check_taken(l, &taken);
}

static bool read_lists(struct load *l) {
    struct svpe_program *p = l->p;
    struct svpe_output_record *outputs;
    struct svpe_host_list_record *items;
    if (!(p->tensors = read_records(l, SVPE_RECORD_svpe_tensor, &p->tensor_count)) ||
        !(p->inputs = read_records(l, SVPE_RECORD_svpe_input, &p->input_count)) ||
        !(outputs = read_records(l, SVPE_RECORD_svpe_output_record, &p->output_count)) ||
        !(p->layers = read_records(l, SVPE_RECORD_svpe_layer, &p->layer_count)) ||
        !(p->segments = read_records(l, SVPE_RECORD_svpe_segment, &p->segment_count)) ||
        !(p->host_values = read_records(l, SVPE_RECORD_svpe_host_value, &p->host_value_count)) ||
        !(p->host_nodes = read_records(l, SVPE_RECORD_svpe_host_node, &p->host_node_count)) ||
        !(p->host_attrs = read_records(l, SVPE_RECORD_svpe_host_attr, &p->host_attr_count)) ||
        !(items = read_records(l, SVPE_RECORD_svpe_host_list_record, &p->host_list_count))) {
        return false;
    }
    p->outputs = arena_array(l->a, (size_t)p->output_count, sizeof *p->outputs);
    for (int i = 0; i < p->output_count; i++) p->outputs[i] = outputs[i].tensor;
    p->host_lists = arena_array(l->a, (size_t)p->host_list_count, sizeof *p->host_lists);
    for (int i = 0; i < p->host_list_count; i++) p->host_lists[i] = items[i].v;
    return true;
}

struct svpe_program *svpe_read(struct ctx *c, struct arena *a, const char *file,
                               const uint8_t *bytes, size_t size) {
    struct load l = {.c = c, .a = a, .file = file, .bytes = bytes, .size = size};
    l.p = arena_alloc(a, sizeof *l.p);
    bool good = check_start(&l) && check_header(&l) && find_sections(&l) && check_strings(&l) &&
                read_tables(&l) && read_program(&l) && read_lists(&l) && check_records(&l);
    return good ? l.p : NULL;
}
