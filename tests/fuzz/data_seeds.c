/* Writes a small file of every kind the data readers know into a new folder: data_seeds FOLDER. */
#include "base_images.h"

#include "base/file.h"

#include <sys/stat.h>

static void idx_file(struct writer *w, struct rng *r, int rank, const uint8_t *dims) {
    int count = 1;
    write_bytes(w, "\0\0\x08", 3);
    write_u8(w, (uint8_t)rank);
    for (int i = 0; i < rank; i++) {
        image_u32(w, dims[i]);
        count *= dims[i];
    }
    while (count-- > 0) write_u8(w, (uint8_t)rng_below(r, 10));
}

/* Two images of 3 × 4 × 5 elements. */
static void npy_file(struct writer *w, struct rng *r, const char *type, size_t size) {
    struct writer h;
    writer_init(&h, w->arena);
    write_text(&h, "{'descr': '%s', 'fortran_order': False, 'shape': (2, 3, 4, 5), }\n", type);
    write_bytes(w, "\x93NUMPY\x01\x00", 8);
    write_u16(w, (uint16_t)h.size);
    write_bytes(w, h.data, h.size);
    for (size_t i = 0; i < 120 * size; i++) write_u8(w, (uint8_t)rng_next(r));
}

/* A TensorProto of 1 × 2 × 3 elements of an ONNX type: as raw data, or as a list with one byte an
 * element. */
static void pb_file(struct writer *w, struct rng *r, uint8_t type, uint8_t field, uint8_t size) {
    const uint8_t head[] = {0x0a, 3, 1, 2, 3, 0x10, type, (uint8_t)(field << 3 | 2)};
    write_bytes(w, head, sizeof head);
    write_u8(w, (uint8_t)(6 * size));
    for (int i = 0; i < 6 * size; i++) write_u8(w, (uint8_t)rng_below(r, 128));
}

static bool write_kind(struct writer *w, struct rng *r, int kind) {
    static const uint8_t images[] = {7, 3, 4}, labels[] = {7};
    uint8_t pixels[4 * 6 * 5];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = (uint8_t)rng_next(r);
    switch (kind) {
    case 0:
        return image_png(w, w->arena, 3, 6, 5, pixels), true;
    case 1:
        return image_png(w, w->arena, 2, 5, 6, pixels), true;
    case 2:
        return image_jpeg(w, 3, 21, 35, pixels), true;
    case 3:
        return image_jpeg(w, 1, 9, 8, pixels), true;
    case 4:
        return npy_file(w, r, "<f4", 4), true;
    case 5:
        return npy_file(w, r, "|u1", 1), true;
    case 6:
        return idx_file(w, r, 3, images), true;
    case 7:
        return idx_file(w, r, 1, labels), true;
    case 8:
        return pb_file(w, r, 1, 9, 4), true;
    case 9:
        return pb_file(w, r, 2, 5, 1), true;
    default:
        return false;
    }
}

int main(int argc, char **argv) {
    static const char *const names[] = {"colour.png", "alpha.png", "colour.jpg", "grey.jpg",
                                        "floats.npy", "bytes.npy", "images.idx", "labels.idx",
                                        "floats.pb",  "bytes.pb"};
    struct ctx c;
    struct rng r = {9};
    ctx_init(&c, "data_seeds", stderr);
    if (argc != 2 || setjmp(c.oom)) return EXIT_USAGE;
    mkdir(argv[1], 0777);
    struct arena *a = arena_new(&c);
    struct writer w;
    writer_init(&w, a);
    for (int kind = 0; write_kind(&w, &r, kind); kind++) {
        file_replace(&c, arena_printf(a, "%s/%s", argv[1], names[kind]), w.data, w.size);
        writer_init(&w, a);
    }
    bool good = !c.errors;
    ctx_free(&c);
    return good ? EXIT_OK : EXIT_BAD_INPUT;
}
