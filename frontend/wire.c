/* The protobuf encoding, walked without copying before it is unpacked: protobuf-c recurses without
 * a limit and allocates before it has seen all of a message, so that depth, count and types are
 * checked here first. What is a message and what is not comes from the generated descriptors; no
 * field is listed twice. Source: the Protocol Buffers encoding. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <inttypes.h>
#include <string.h>

enum {
    WIRE_VARINT = 0,
    WIRE_64 = 1,
    WIRE_BYTES = 2,
    WIRE_32 = 5,
    VARINT_MAX = 10,
    UNKNOWN_MAX = 16
};
static const long messages_max = 1L << 22;

struct walk {
    struct ctx *c;
    const char *file;
    const uint8_t *bytes;
    size_t size;
    long messages;
    struct {
        const char *message;
        uint32_t number;
    } unknown[UNKNOWN_MAX]; /* said already */
    int unknown_count;
};

struct field {
    uint32_t number;
    unsigned wire;
    size_t at;       /* of its key */
    uint64_t length; /* of WIRE_BYTES */
};

/* Reads a varint below end; false after saying what is wrong. */
static bool varint(struct walk *w, const char *inside, size_t *at, size_t end, uint64_t *out) {
    uint64_t v = 0;
    for (size_t i = 0; i < VARINT_MAX; i++) {
        if (*at >= end) {
            if (end == w->size)
                diag(w->c, fe_truncated, w->file, *at, inside, 1ULL);
            else
                diag(w->c, fe_overrun, w->file, *at, inside, 1ULL, (size_t)0);
            return false;
        }
        uint8_t b = w->bytes[(*at)++];
        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if (!(b & 0x80)) {
            *out = v;
            return true;
        }
    }
    diag(w->c, fe_wire, w->file, *at, inside, "a number of more than 10 bytes");
    return false;
}

/* Moves *at past n bytes. */
static bool skip(struct walk *w, const char *inside, size_t *at, size_t end, uint64_t n) {
    if (n <= end - *at) {
        *at += (size_t)n;
        return true;
    }
    if (end == w->size)
        diag(w->c, fe_truncated, w->file, *at, inside, (unsigned long long)(n - (end - *at)));
    else
        diag(w->c, fe_overrun, w->file, *at, inside, (unsigned long long)n, end - *at);
    return false;
}

/* Reads a key and, of bytes, the length; of other kinds it moves past the value. */
static bool next_field(struct walk *w, const char *inside, size_t *at, size_t end,
                       struct field *f) {
    uint64_t key, ignored;
    f->at = *at;
    if (!varint(w, inside, at, end, &key)) return false;
    f->wire = (unsigned)(key & 7);
    f->number = (uint32_t)(key >> 3);
    if (key >> 32 || f->number == 0) {
        diag(w->c, fe_wire, w->file, f->at, inside, "no field has this number");
        return false;
    }
    switch (f->wire) {
    case WIRE_VARINT:
        return varint(w, inside, at, end, &ignored);
    case WIRE_64:
        return skip(w, inside, at, end, 8);
    case WIRE_32:
        return skip(w, inside, at, end, 4);
    case WIRE_BYTES:
        return varint(w, inside, at, end, &f->length);
    default:
        diag(w->c, fe_wire, w->file, f->at, inside, "no field is encoded like this");
        return false;
    }
}

static unsigned wire_of(ProtobufCType t) {
    switch (t) {
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_BYTES;
    default:
        return WIRE_VARINT;
    }
}

static bool known_harmless(const char *message, uint32_t number) {
    static const struct {
        const char *message;
        uint32_t number;
    } rows[] = {
#define FE_FIELD(m, n) {m, n},
#include "frontend/import.def"
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].number == number && !strcmp(rows[i].message, message)) return true;
    return false;
}

static void unknown_field(struct walk *w, const char *message, const struct field *f) {
    if (known_harmless(message, f->number) || w->unknown_count == UNKNOWN_MAX) return;
    for (int i = 0; i < w->unknown_count; i++)
        if (w->unknown[i].number == f->number && w->unknown[i].message == message) return;
    w->unknown[w->unknown_count].message = message;
    w->unknown[w->unknown_count++].number = f->number;
    diag(w->c, fe_unknown_field, w->file, f->at, f->number, message);
}

/* The type the definitions say; a packed list is bytes as well. */
static bool wire_fits(struct walk *w, const char *inside, const ProtobufCFieldDescriptor *d,
                      const struct field *f) {
    unsigned want = wire_of(d->type);
    if (f->wire == want || (d->label == PROTOBUF_C_LABEL_REPEATED && f->wire == WIRE_BYTES))
        return true;
    diag(w->c, fe_wire_type, w->file, f->at, inside, d->name, (int)f->wire, (int)want);
    return false;
}

/* A packed list is whole elements. */
static bool packed_fits(struct walk *w, const ProtobufCFieldDescriptor *d, const struct field *f) {
    unsigned want = wire_of(d->type);
    uint64_t unit = want == WIRE_32 ? 4 : want == WIRE_64 ? 8 : 1;
    if (f->wire != WIRE_BYTES || f->length % unit == 0) return true;
    diag(w->c, fe_wire, w->file, f->at, d->name, "a list that ends within a number");
    return false;
}

static bool walk_message(struct walk *w, const ProtobufCMessageDescriptor *m, size_t at, size_t end,
                         int depth);

/* A newer field that is a message, or NULL. */
static const ProtobufCMessageDescriptor *newer_message(const ProtobufCMessageDescriptor *m,
                                                       const struct field *f) {
    bool defaults = m == &onnx__function_proto__descriptor && f->number == FE_DEFAULTS;
    return defaults && f->wire == WIRE_BYTES ? &onnx__attribute_proto__descriptor : NULL;
}

/* As deep as walk_message() allows. NOLINTNEXTLINE(misc-no-recursion) */
static bool walk_field(struct walk *w, const ProtobufCMessageDescriptor *m, size_t *at, size_t end,
                       const struct field *f, int depth) {
    const ProtobufCFieldDescriptor *d = protobuf_c_message_descriptor_get_field(m, f->number);
    if (!d) unknown_field(w, m->short_name, f);
    if (d && !wire_fits(w, m->short_name, d, f)) return false;
    if (f->wire != WIRE_BYTES) return true;
    size_t start = *at;
    if (!skip(w, d ? d->name : m->short_name, at, end, f->length)) return false;
    const ProtobufCMessageDescriptor *newer = d ? NULL : newer_message(m, f);
    if (newer) return walk_message(w, newer, start, *at, depth + 1);
    if (!d) return true;
    if (d->type == PROTOBUF_C_TYPE_MESSAGE)
        return walk_message(w, d->descriptor, start, *at, depth + 1);
    return packed_fits(w, d, f);
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than FE_DEPTH_MAX */
static bool walk_message(struct walk *w, const ProtobufCMessageDescriptor *m, size_t at, size_t end,
                         int depth) {
    if (depth > FE_DEPTH_MAX) {
        diag(w->c, fe_depth, w->file, at, FE_DEPTH_MAX);
        return false;
    }
    if (++w->messages > messages_max) {
        diag(w->c, fe_messages, w->file, at, messages_max);
        return false;
    }
    while (at < end) {
        struct field f;
        if (!next_field(w, m->short_name, &at, end, &f)) return false;
        if (!walk_field(w, m, &at, end, &f, depth)) return false;
    }
    return true;
}

bool fe_wire_check(struct ctx *c, const char *file, const uint8_t *bytes, size_t size) {
    if (size == 0) {
        diag(c, fe_empty, file);
        return false;
    }
    struct walk w = {.c = c, .file = file, .bytes = bytes, .size = size};
    return walk_message(&w, &onnx__model_proto__descriptor, 0, size, 1);
}
