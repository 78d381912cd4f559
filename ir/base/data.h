/* Images and arrays for calibration and evaluation: one reader for nbqc and nbq-run.
 *   cifar10:FILE         CIFAR-10 binary (1 label byte + 3,072 bytes R,G,B planes)
 *   idx:IMAGES,LABELS    MNIST IDX files (LABELS may be left out: no labels)
 *   folder:DIR           JPEG and PNG files; class subfolders (alphabetical order is the label), or names that are numbers
 *   npy:FILE             float32/uint8 array N×C×H×W (or C×H×W), no labels, used as it is (no preprocessing)
 * Samples come out as C×H×W planes, either bytes (images) or floats (arrays, tensors).
 */
#ifndef NBQ_BASE_DATA_H
#define NBQ_BASE_DATA_H

#include "base/ctx.h"

/* What happens to a byte image before the network sees it: (x·scale − mean[c]) / std[c]; bgr swaps channels first.
 * mean and std are in the scaled unit. */
struct preprocess {
    double scale; /* 1/255 unless given */
    double mean[4], std[4];
    bool bgr;
    bool given; /* any of scale/mean/std/bgr was on the command line */
};

struct sample {
    int channels, height, width;
    const uint8_t *bytes; /* C×H×W, or NULL */
    const float *floats;  /* C×H×W, or NULL */
    int label;            /* −1: unknown */
    const char *name;     /* file name, or "FILE#index" */
};

struct dataset;

/* data.c: every failure is said with file, place and what was expected. */
struct dataset *data_open(struct ctx *c, struct arena *a,
                          const char *spec); /* NULL after an error */
long data_count(const struct dataset *d);
/* Fills *out from arena a; thread-safe (each thread its own ctx and arena). Decoded images and mapped files live as long
 * as c: a long run over a folder makes a ctx per image. */
bool data_get(struct ctx *c, struct arena *a, const struct dataset *d, long index,
              struct sample *out);
/* One file by its ending: .npy .pb (TensorProto) .png .jpg .jpeg. */
bool data_read_file(struct ctx *c, struct arena *a, const char *path, struct sample *out);
bool data_write_npy(struct ctx *c, const char *path, const float *values, const int64_t *dims,
                    int rank);
/* Preprocessed float value of one byte of channel ch; the one place the formula stands. */
float preprocess_byte(const struct preprocess *p, int ch, uint8_t x);

#endif
