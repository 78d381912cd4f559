/* protobuf-c's unpacking, into an arena and under a limit: 10 MB of empty messages would take more
 * than 1 GB. */
#include "frontend/import.h"

#include <onnx/onnx.pb-c.h>

#include "frontend/diag.h"

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

Onnx__ModelProto *fe_unpack(struct ctx *c, struct arena *a, const char *file, const uint8_t *bytes,
                            size_t size) {
    return unpack(c, a, file, &onnx__model_proto__descriptor, bytes, size);
}
