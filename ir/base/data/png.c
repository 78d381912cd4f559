/* PNG through libpng's row reader. What becomes of the samples (docs/runtime.md): 16 bits become 8
 * by v / 257, rounded; a colour under transparency v · alpha / 255, rounded, which is the image put
 * on black; gAMA, sRGB and other colour chunks are ignored, as Pillow and OpenCV ignore them.
 * libpng's simplified reader goes through linear light for all three. */
#include "base/data/data_room.h"

#ifdef NBQ_PNG
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

struct png_job {
    jmp_buf fail;
    png_structp png;
    png_infop info;
    struct reader from;
    uint8_t *pixels; /* interleaved, `channels` bytes a pixel */
    png_bytep *rows;
    unsigned channels, height, width;
    bool big, no_memory; /* why it failed */
    char message[128];
};

static png_voidp take(png_structp png, png_alloc_size_t size) {
    struct png_job *job = png_get_mem_ptr(png);
    void *p = malloc(size);
    if (!p) job->no_memory = true;
    return p;
}

static void give(png_structp png, png_voidp p) {
    (void)png;
    free(p);
}

static void fail(png_structp png, png_const_charp message) {
    struct png_job *job = png_get_error_ptr(png);
    strncpy(job->message, message, sizeof job->message - 1);
    longjmp(job->fail, 1);
}

static void quiet(png_structp png, png_const_charp message) {
    (void)png, (void)message;
}

static void read_file(png_structp png, png_bytep to, size_t size) {
    struct png_job *job = png_get_io_ptr(png);
    const uint8_t *bytes = read_bytes(&job->from, size);
    if (!bytes) png_error(png, "the file ends in the middle of the image");
    memcpy(to, bytes, size);
}

/* Bytes of 1 (grey) or 3 channels, and alpha where there is any transparency. */
static bool set_form(struct png_job *job) {
    png_structp png = job->png;
    bool colour = png_get_color_type(png, job->info) & PNG_COLOR_MASK_COLOR;
    job->height = png_get_image_height(png, job->info);
    job->width = png_get_image_width(png, job->info);
    job->channels = colour ? 3 : 1;
    job->big = data_too_big(job->channels, job->height, job->width);
    if (job->big) return false; /* before the library takes memory for that many */
    png_set_expand(png);        /* palettes to colours, fewer bits to 8, tRNS to alpha */
    png_set_scale_16(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, job->info);
    job->channels = png_get_channels(png, job->info);
    return true;
}

static bool read_pixels(struct png_job *job) {
    size_t row = (size_t)job->width * job->channels;
    job->pixels = malloc(row * job->height);
    job->rows = malloc(job->height * sizeof *job->rows);
    job->no_memory = !job->pixels || !job->rows;
    if (job->no_memory) return false;
    for (size_t y = 0; y < job->height; y++) job->rows[y] = job->pixels + y * row;
    png_read_image(job->png, job->rows);
    return true;
}

static bool decode(struct png_job *job) {
    if (setjmp(job->fail)) return false;
    job->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, job, fail, quiet, job, take, give);
    job->info = job->png ? png_create_info_struct(job->png) : NULL;
    job->no_memory = !job->info;
    if (job->no_memory) return false;
    png_set_read_fn(job->png, job, read_file);
    png_set_user_limits(job->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX); /* ours are said better */
    png_read_info(job->png, job->info);
    return set_form(job) && read_pixels(job);
}

static const uint8_t *planes_on_black(struct arena *a, const struct png_job *job, int colours) {
    size_t plane = (size_t)job->height * job->width, step = job->channels;
    uint8_t *to = arena_alloc(a, plane * (size_t)colours);
    for (size_t i = 0; i < plane; i++) {
        const uint8_t *pixel = job->pixels + i * step;
        unsigned alpha = step % 2 ? 255 : pixel[step - 1];
        for (int ch = 0; ch < colours; ch++)
            to[(size_t)ch * plane + i] = (uint8_t)((pixel[ch] * alpha + 127) / 255);
    }
    return to;
}

bool data_read_png(struct ctx *c, struct arena *a, const char *path, const struct file_view *v,
                   struct sample *out) {
    struct png_job *job = arena_alloc(a, sizeof *job);
    job->from = reader_of(v->data, v->size);
    bool good = decode(job);
    if (job->png) png_destroy_read_struct(&job->png, &job->info, NULL);
    free(job->rows);
    if (!good) {
        free(job->pixels);
        if (job->no_memory) ctx_oom(c);
        if (job->big)
            data_say_too_big(c, path, job->channels, job->height, job->width);
        else
            diag(c, data_png, path, job->message);
        return false;
    }
    ctx_defer(c, free, job->pixels);
    int colours = job->channels < 3 ? 1 : 3;
    *out = (struct sample){.channels = colours,
                           .height = (int)job->height,
                           .width = (int)job->width,
                           .bytes = planes_on_black(a, job, colours),
                           .label = -1};
    return true;
}
#else
bool data_read_png(struct ctx *c, struct arena *a, const char *path, const struct file_view *v,
                   struct sample *out) {
    (void)a, (void)v, (void)out;
    diag(c, data_no_library, path, "PNG");
    return false;
}
#endif
