/* Inside the data readers: the dataset's shape and the functions the files share. */
#ifndef NBQ_BASE_DATA_ROOM_H
#define NBQ_BASE_DATA_ROOM_H

#include "base/bytes.h"
#include "base/data.h"
#include "base/diag.h"
#include "base/file.h"

#define DIAG DIAG_TABLE_ROW
#include "base/data/diag.def"
#undef DIAG

enum { DATA_MAX_ELEMENTS = 1 << 26 }; /* of one sample: no file makes us allocate more */

struct data_item { /* folder: one image file */
    const char *path;
    int label;
};

struct dataset {
    const char *path;
    long count;
    int channels, height, width; /* of every sample; 0: folder, each image has its own */
    const uint8_t *bytes;        /* samples, `step` bytes apart, or NULL */
    const float *floats;
    const char *type;     /* of an array's elements; NULL: images */
    const void *elements; /* as they are in the array */
    size_t element_size;
    size_t step;           /* elements from one sample to the next */
    const uint8_t *labels; /* label_step bytes apart, or NULL */
    size_t label_step;
    struct data_item *items;
};

/* Little-endian elements of NumPy and ONNX. */
enum data_type {
    DATA_F32,
    DATA_F64,
    DATA_U8,
    DATA_I8,
    DATA_I16,
    DATA_U16,
    DATA_I32,
    DATA_I64,
    DATA_BOOL,
    DATA_U32,
    DATA_U64,
    DATA_TYPE_COUNT
};

/* An array as npy and pb files hold it, converted to float as well unless the elements are
 * bytes. */
struct data_array {
    int rank;
    uint64_t dims[8];
    const uint8_t *bytes;
    const float *floats;
    enum data_type type;
    const void *elements; /* as they are, aligned to their type */
};

bool data_open_cifar10(struct ctx *c, struct arena *a, const char *path, struct dataset *d);
bool data_open_idx(struct ctx *c, struct arena *a, const char *paths, struct dataset *d);
bool data_open_folder(struct ctx *c, struct arena *a, const char *path, struct dataset *d);
bool data_open_npy(struct ctx *c, struct arena *a, const char *path, struct dataset *d);
bool data_read_npy(struct ctx *c, struct arena *a, const char *path, struct data_array *out);
bool data_read_pb(struct ctx *c, struct arena *a, const char *path, struct data_array *out);
/* Maps a file that holds something; says that it is empty, and what was expected. */
bool data_map(struct ctx *c, const char *path, const char *expected, struct file_view *out);
bool data_read_image(struct ctx *c, struct arena *a, const char *path, struct sample *out);
bool data_read_png(struct ctx *c, struct arena *a, const char *path, const struct file_view *v,
                   struct sample *out);
bool data_read_jpeg(struct ctx *c, struct arena *a, const char *path, const struct file_view *v,
                    struct sample *out);
bool data_too_big(unsigned channels, unsigned long long height, unsigned long long width);
void data_say_too_big(struct ctx *c, const char *path, unsigned channels, unsigned height,
                      unsigned width);
bool data_is_image(const char *path); /* by its ending */
/* The last three dimensions are C, H, W, one before them is the count. Two are a count of rows of
 * channels. Other ranks are refused. */
bool data_array_shape(struct ctx *c, const char *path, const struct data_array *x, uint64_t *count,
                      struct sample *shape);
size_t data_type_size(enum data_type t);
const char *data_type_name(enum data_type t);
float *data_to_floats(struct arena *a, enum data_type t, const uint8_t *from, size_t count);
/* Fills in elements, and bytes or floats. from need not be aligned; it has to stay. */
void data_array_fill(struct arena *a, struct data_array *x, enum data_type t, const uint8_t *from,
                     size_t count);

#endif
