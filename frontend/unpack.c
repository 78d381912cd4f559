/* protobuf-c's unpacking, into an arena and under a limit: 10 MB of empty messages would take more
 * than 1 GB. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

#include <string.h>

/* A real model is mostly weights, which take their own size; small nodes take some ten times
 * theirs. */
static const size_t factor = 16, floor_bytes = (size_t)64 << 20;

enum { COST = 16 }; /* of an allocation, beside its bytes */

struct budget {
    struct arena *arena;
    size_t left;
    bool spent;
};

static void *take(void *user, size_t size) {
    struct budget *b = user;
    if (b->left < COST || size > b->left - COST) {
        b->spent = true;
        return NULL;
    }
    b->left -= size + COST;
    return arena_alloc(b->arena, size);
}

static void leave(void *user, void *p) {
    (void)user, (void)p; /* the arena's end */
}

static void *unpack(struct ctx *c, struct arena *a, const char *file,
                    const ProtobufCMessageDescriptor *type, const uint8_t *bytes, size_t size) {
    size_t limit =
        size > (SIZE_MAX - floor_bytes) / factor ? SIZE_MAX : size * factor + floor_bytes;
    struct budget b = {.arena = a, .left = limit};
    ProtobufCAllocator allocator = {take, leave, &b};
    void *m = protobuf_c_message_unpack(type, &allocator, size, bytes);
    if (!m && b.spent)
        diag(c, fe_memory, file, size, limit);
    else if (!m)
        diag(c, fe_unpack, file);
    return m;
}

/* A field that may be newer than the definitions this is built with; wire.c has walked through
 * it. */
Onnx__AttributeProto **fe_unpack_defaults(struct ctx *c, struct arena *a, const char *file,
                                          const Onnx__FunctionProto *f, size_t *count) {
    const ProtobufCMessage *m = &f->base;
    const ProtobufCFieldDescriptor *d =
        protobuf_c_message_descriptor_get_field(m->descriptor, FE_DEFAULTS);
    if (d) {
        memcpy(count, (const uint8_t *)f + d->quantifier_offset, sizeof *count);
        Onnx__AttributeProto **known;
        memcpy(&known, (const uint8_t *)f + d->offset, sizeof known);
        return known;
    }
    Onnx__AttributeProto **list = arena_array(a, m->n_unknown_fields, sizeof *list);
    *count = 0;
    for (unsigned i = 0; i < m->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *u = &m->unknown_fields[i];
        if (u->tag != FE_DEFAULTS || u->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) continue;
        size_t at = 0;
        while (at < u->len && u->data[at] & 0x80) at++;
        if (at == u->len) continue;
        list[*count] = unpack(c, a, file, &onnx__attribute_proto__descriptor, u->data + at + 1,
                              u->len - at - 1);
        if (list[*count]) ++*count;
    }
    return list;
}

Onnx__ModelProto *fe_unpack(struct ctx *c, struct arena *a, const char *file, const uint8_t *bytes,
                            size_t size) {
    return unpack(c, a, file, &onnx__model_proto__descriptor, bytes, size);
}
