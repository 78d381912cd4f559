/* libnbq: loads a .svpe program and runs it. The one public header of the runtime.
 *
 * Errors are values: functions return an nbq_status; nbq_error() gives the text of the last failure
 * of that handle. A handle is used by one thread at a time; different handles are independent.
 * Nothing here calls exit or prints. */
#ifndef NBQ_H
#define NBQ_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum nbq_status { NBQ_OK = 0, NBQ_BAD_INPUT, NBQ_NO_MEMORY, NBQ_NOT_FOUND, NBQ_DEVICE_FAILED };

struct nbq_program; /* a verified program, read-only: may be shared by threads */
struct nbq_session; /* a device with its memory, ready to run one program */

struct nbq_tensor_info {
    const char *name;
    int rank;
    int64_t dims[8];
    int channels, height, width;
    /* Of an element that nbq_set_input() takes and nbq_get_output() gives: "f32", "i64", … */
    const char *type;
    int stored;          /* 1: the device has integers of `bits` bits for it; its type is f32 */
    int bits, exp, zero; /* real = (stored − zero)·2^exp */
};
struct nbq_layer_info {
    const char *name, *kind, *place, *note;
    uint32_t in_c, in_h, in_w, out_c, out_h, out_w;
    uint64_t macs, weights;
    int bits, terms, exp_min, exp_max, margin, tiles;
};

/* How byte images become an input: resized so that the shorter side is `resize`, cropped to the
 * middle crop × crop pixels (0: neither), then (x·scale − mean[c]) / std[c] per channel, after a
 * change of channel order with bgr. */
struct nbq_preprocess {
    int takes_bytes; /* 0: it takes no byte images; the rest is then without meaning */
    int given;       /* 0: the compiler was told nothing and took its defaults */
    double scale, mean[4], std[4];
    int bgr;
    int resize, crop, resize_plain; /* what nbq_set_input_image() does: see docs/runtime.md */
};

/* Load: size bytes of a .svpe file, which the program copies. On failure *out is NULL and
 * message (of room bytes, may be NULL) says file, section or instruction, and what was expected.
 * `file` is only for messages. */
enum nbq_status nbq_load(const void *bytes, size_t size, const char *file, struct nbq_program **out,
                         char *message, size_t room);
/* The same of a file; "-" is standard input. */
enum nbq_status nbq_load_file(const char *path, struct nbq_program **out, char *message,
                              size_t room);
void nbq_program_free(struct nbq_program *p); /* NULL is allowed; sessions must be gone */

const char *nbq_program_name(const struct nbq_program *p);
const char *nbq_program_target(const struct nbq_program *p);
int nbq_input_count(const struct nbq_program *p);
int nbq_output_count(const struct nbq_program *p);
int nbq_layer_count(const struct nbq_program *p);
int nbq_segment_count(const struct nbq_program *p); /* device segments */
int nbq_host_op_count(const struct nbq_program *p); /* nodes that the host runs, in order */
const char *nbq_host_op(const struct nbq_program *p, int i);
struct nbq_tensor_info nbq_input_info(const struct nbq_program *p, int i);
struct nbq_tensor_info nbq_output_info(const struct nbq_program *p, int i);
struct nbq_preprocess nbq_input_preprocess(const struct nbq_program *p, int i);
struct nbq_layer_info nbq_layer(const struct nbq_program *p, int i);

/* Races by happens-before over the tokens, once per program (device memory is not touched);
 * deadlocks nbq_load() has refused. The number found, −1 when memory runs out. text (NULL allowed)
 * gets a line for each of the first 64 of a segment, cut after room − 1 bytes; "" when there is
 * none, "out of memory" with −1. */
int nbq_check(const struct nbq_program *p, char *text, size_t room);

/* Devices of this build: names for nbq_open(), NULL past the last. */
const char *nbq_device(int i);
/* NBQ_NOT_FOUND: no device of that name. On failure *out is NULL. */
enum nbq_status nbq_open(const struct nbq_program *p, const char *device, struct nbq_session **out);
void nbq_close(struct nbq_session *s);
const char *nbq_error(const struct nbq_session *s); /* of the last failure, "" if none */

/* Input i from `count` elements in the model's order, of the type that nbq_input_info() names and
 * that has to be given. Where the input is stored integers, floats are quantized by
 * ties-to-even. */
enum nbq_status nbq_set_input(struct nbq_session *s, int i, const char *type, const void *data,
                              size_t count);
/* Input i from a float tensor C×H×W (quantized by ties-to-even), from byte planes C×H×W through
 * the program's table (NBQ_BAD_INPUT if it has none, as inputs of more than 4 channels), or stored
 * integers. */
enum nbq_status nbq_set_input_f32(struct nbq_session *s, int i, const float *chw, size_t count);
enum nbq_status nbq_set_input_u8(struct nbq_session *s, int i, const uint8_t *chw, size_t count);
enum nbq_status nbq_set_input_stored(struct nbq_session *s, int i, const int16_t *chw,
                                     size_t count);
/* Input i from an image of any size, byte planes C×H×W: resized and cropped as the program says, a
 * grey image (C = 1) repeated where the input has 3 channels, then through the table. NBQ_BAD_INPUT
 * when that does not end at the input's size. */
enum nbq_status nbq_set_input_image(struct nbq_session *s, int i, const uint8_t *chw, int channels,
                                    int height, int width);
/* All inputs must have been set; they stay set for the next run. The result depends on nothing
 * else. NBQ_BAD_INPUT: an operator of the host has no result for these inputs, such as integers
 * divided by 0. */
enum nbq_status nbq_run(struct nbq_session *s);
/* Output i in the model's order of elements: of the type that nbq_output_info() names and that has
 * to be given; as floats, the nearest, whatever its type; or the stored integers (NBQ_BAD_INPUT for
 * outputs that are none). */
enum nbq_status nbq_get_output(struct nbq_session *s, int i, const char *type, void *out,
                               size_t count);
enum nbq_status nbq_get_output_f32(struct nbq_session *s, int i, float *out, size_t count);
enum nbq_status nbq_get_output_stored(struct nbq_session *s, int i, int16_t *out, size_t count);

#ifdef __cplusplus
}
#endif
#endif
