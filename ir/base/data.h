/* Images and arrays for calibration and evaluation: one reader for nbqc and nbq-run.
 *   cifar10:FILE         CIFAR-10 binary (1 label byte + 3,072 bytes R,G,B planes)
 *   idx:IMAGES,LABELS    MNIST IDX files (LABELS may be left out: no labels)
 *   folder:DIR           JPEG and PNG files in class subfolders (the place in alphabetical order of
 *                        bytes is the label), or without subfolders (names that are numbers are
 *                        labels: 0042.jpg is 42); a warning tells of files of other kinds
 *   npy:FILE             array N×C×H×W (or C×H×W; or N×K, which is N×K×1×1), no labels
 * Samples come out as C×H×W planes of bytes or floats. Bytes are images and are preprocessed: image
 * files, and arrays and tensors of element type uint8. Everything else comes as floats and is used
 * as it is. Inputs of integers take arrays of exactly their type, as they are; those of bytes take
 * images too, resized and cropped but no more.
 */
#ifndef NBQ_BASE_DATA_H
#define NBQ_BASE_DATA_H

#include "base/image.h"

/* What happens to a byte image before the network sees it: it is resized and cropped (still bytes),
 * then becomes (x·scale − mean[c]) / std[c]; bgr swaps the first and the last of three channels
 * first. mean and std are in the scaled unit. */
enum { PREPROCESS_CHANNELS = 4 };
#define PREPROCESS_SCALE (1.0 / 255)
struct preprocess {
    double scale; /* PREPROCESS_SCALE unless given */
    double mean[PREPROCESS_CHANNELS], std[PREPROCESS_CHANNELS];
    bool bgr;
    struct image_fit fit;
    bool given; /* any of these was on the command line */
};

enum { DATA_LABEL_MAX = 1000000000 }; /* a larger number in a file's name becomes this */

struct sample {
    int channels, height, width;
    const uint8_t *bytes; /* C×H×W, or NULL */
    const float *floats;  /* C×H×W, or NULL */
    int label;            /* −1: unknown */
    const char *name;     /* file name, or "FILE#index" */
    int rank;             /* of the array in a .npy or .pb file of its own; 0: there is none */
    int64_t dims[8];
    /* Of such an array, or of one of npy:, as they are in the file: "f32", "i64", "bool", … the
     * array may be a scalar. NULL: an image. */
    const char *type;
    const void *elements;
};

struct dataset;
struct option_set;

/* data.c: every failure is said with file, place and what was expected. */
struct dataset *data_open(struct ctx *c, struct arena *a,
                          const char *spec); /* NULL after an error */
long data_count(const struct dataset *d);
/* Whether spec begins with a kind there is and names files; says so if not. No file is looked
 * at. */
bool data_check_kind(struct ctx *c, const char *spec);
/* Fills *out from arena a; thread-safe (each thread its own ctx and arena). An image file is closed
 * and all that its library held is free when this returns: memory is that of the arenas. */
bool data_get(struct ctx *c, struct arena *a, const struct dataset *d, long index,
              struct sample *out);
/* One file by its ending: .npy .pb (TensorProto) .png .jpg .jpeg; whether an image is PNG or JPEG
 * its first bytes tell. An array may have any shape: C×H×W and 1×C×H×W are images, anything else is
 * one row of channels. */
bool data_read_file(struct ctx *c, struct arena *a, const char *path, struct sample *out);
bool data_write_npy(struct ctx *c, const char *path, const float *values, const int64_t *dims,
                    int rank);
/* The same of elements of any type that samples have. */
bool data_write_array(struct ctx *c, const char *path, const char *type, const void *elements,
                      const int64_t *dims, int rank);
/* Reads --resize, --crop, --resize-filter, --scale, --mean, --std and --bgr of any tool that has
 * these options; false after saying which value is wrong (exit code 2). How many numbers --mean and
 * --std have is for the model's input to judge. */
bool preprocess_read(struct ctx *c, struct arena *a, const struct option_set *set,
                     struct preprocess *out);
/* Makes a byte image (rank 0, 3, or 4 with one image) what a network input of so many channels
 * takes, but for its values: p->fit, grey repeated in three channels. Anything else is left as it
 * is. False after saying what does not fit: a colour image for one channel, a crop larger than the
 * image, more than a sample may hold. */
bool preprocess_fit(struct ctx *c, struct arena *a, const struct preprocess *p, int channels,
                    struct sample *s);
/* Whether images of so many channels can be preprocessed; says why not. */
bool preprocess_check(struct ctx *c, const char *where, const struct preprocess *p, int channels);
/* The image's plane that becomes channel ch of the network; images have passed the check above. */
int preprocess_source(const struct preprocess *p, int ch);
/* Preprocessed float value of one byte of channel ch; the one place the formula stands. */
float preprocess_byte(const struct preprocess *p, int ch, uint8_t x);

/* ---- Images as integers ---- */

struct image_shape {
    int channels, height, width;
    bool last; /* H×W×C: channels come last */
};
/* Whether a tensor can be one image: C×H×W, or H×W×C where the first of the three is no number of
 * channels; 1 to PREPROCESS_CHANNELS channels, rows and columns of more than one pixel. */
bool image_shape_of(int rank, const int64_t *dims, struct image_shape *out);
/* Bytes of an image for a tensor of u8: fitted as above, and in the tensor's order. Sets s->type
 * and s->elements; leaves them NULL where the image is of another size. */
bool preprocess_raw(struct ctx *c, struct arena *a, const struct preprocess *p,
                    const struct image_shape *to, struct sample *s);

#endif
