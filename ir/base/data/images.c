/* PNG through libpng, JPEG through libjpeg-turbo; both give R, G, B planes (grey images: one). */
#include "base/data/data_room.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#ifdef NBQ_PNG
#include <png.h>
#endif
#ifdef NBQ_JPEG
#include <jerror.h>
#include <jpeglib.h>
#endif

#if defined(NBQ_PNG) || defined(NBQ_JPEG)
/* Interleaved pixels to planes. */
static const uint8_t *planes(struct arena *a, const uint8_t *from, int channels, size_t pixels) {
    uint8_t *to = arena_alloc(a, pixels * (size_t)channels);
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < channels; c++)
            to[(size_t)c * pixels + i] = from[i * (size_t)channels + (size_t)c];
    return to;
}

static bool too_big(unsigned long long ch, unsigned long long h, unsigned long long w) {
    return !h || !w || h > DATA_MAX_ELEMENTS || w > DATA_MAX_ELEMENTS ||
           ch * h * w > DATA_MAX_ELEMENTS;
}

static void say_too_big(struct ctx *c, const char *path, unsigned ch, unsigned h, unsigned w) {
    diag(c, data_big, path, (unsigned long long)ch, (unsigned long long)h, (unsigned long long)w,
         DATA_MAX_ELEMENTS);
}

static void set_sample(struct sample *out, int channels, int height, int width,
                       const uint8_t *bytes) {
    *out = (struct sample){
        .channels = channels, .height = height, .width = width, .bytes = bytes, .label = -1};
}
#endif

#ifdef NBQ_PNG
bool data_read_png(struct ctx *c, struct arena *a, const char *path, struct sample *out) {
    struct file_view v;
    if (!file_map(c, path, &v)) return false;
    png_image image;
    memset(&image, 0, sizeof image);
    image.version = PNG_IMAGE_VERSION;
    if (!png_image_begin_read_from_memory(&image, v.data, v.size)) {
        diag(c, data_png, path, image.message); /* nothing of libpng's is left by now */
        return false;
    }
    bool grey = !(image.format & PNG_FORMAT_FLAG_COLOR);
    int channels = grey ? 1 : 3;
    if (too_big((unsigned)channels, image.height, image.width)) {
        png_image_free(&image); /* saying so may run out of memory */
        say_too_big(c, path, (unsigned)channels, image.height, image.width);
        return false;
    }
    image.format = grey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
    size_t pixels = (size_t)image.height * image.width;
    int height = (int)image.height, width = (int)image.width;
    /* Memory that runs out while libpng holds its own would leak: malloc, not the arena. */
    uint8_t *rows = malloc(pixels * (size_t)channels);
    if (!rows) {
        png_image_free(&image);
        ctx_oom(c);
    }
    png_color black = {0, 0, 0};
    if (!png_image_finish_read(&image, &black, rows, 0, NULL)) {
        png_image_free(&image);
        free(rows);
        diag(c, data_png, path, image.message);
        return false;
    }
    ctx_defer(c, free, rows);
    set_sample(out, channels, height, width, planes(a, rows, channels, pixels));
    return true;
}
#else
bool data_read_png(struct ctx *c, struct arena *a, const char *path, struct sample *out) {
    (void)a, (void)out;
    diag(c, data_no_library, path, "PNG");
    return false;
}
#endif

#ifdef NBQ_JPEG
struct jpeg_job {
    struct jpeg_error_mgr errors; /* first: libjpeg hands it back */
    jmp_buf fail;
    struct jpeg_decompress_struct jpeg;
    char message[JMSG_LENGTH_MAX];
    uint8_t *rows;
    unsigned channels;
    bool big; /* refused for its size */
};

static void jpeg_fail(j_common_ptr info) {
    struct jpeg_job *job = (struct jpeg_job *)(void *)info->err;
    if (info->err->msg_code != JERR_OUT_OF_MEMORY) info->err->format_message(info, job->message);
    longjmp(job->fail, 1);
}

/* A warning means damaged data: an answer computed from half an image is worse than none. */
static void jpeg_message(j_common_ptr info, int level) {
    if (level < 0) jpeg_fail(info);
}

static void jpeg_quiet(j_common_ptr info) {
    (void)info;
}

static bool decode_jpeg(struct jpeg_job *job, const struct file_view *v) {
    job->jpeg.err = jpeg_std_error(&job->errors);
    job->errors.error_exit = jpeg_fail;
    job->errors.emit_message = jpeg_message;
    job->errors.output_message = jpeg_quiet;
    if (setjmp(job->fail)) return false;
    jpeg_create_decompress(&job->jpeg);
    jpeg_mem_src(&job->jpeg, v->data, v->size);
    jpeg_read_header(&job->jpeg, TRUE);
    bool grey = job->jpeg.jpeg_color_space == JCS_GRAYSCALE;
    job->jpeg.out_color_space = grey ? JCS_GRAYSCALE : JCS_RGB;
    job->channels = grey ? 1 : 3;
    job->big = too_big(job->channels, job->jpeg.image_height, job->jpeg.image_width);
    if (job->big) return false; /* before the library takes memory for that many */
    jpeg_start_decompress(&job->jpeg);
    size_t row = (size_t)job->jpeg.output_width * job->channels;
    job->rows = malloc(row * job->jpeg.output_height);
    if (!job->rows) return false;
    while (job->jpeg.output_scanline < job->jpeg.output_height) {
        JSAMPROW line = job->rows + row * job->jpeg.output_scanline;
        jpeg_read_scanlines(&job->jpeg, &line, 1);
    }
    jpeg_finish_decompress(&job->jpeg);
    return true;
}

bool data_read_jpeg(struct ctx *c, struct arena *a, const char *path, struct sample *out) {
    struct file_view v;
    if (!file_map(c, path, &v)) return false;
    struct jpeg_job *job = arena_alloc(a, sizeof *job);
    bool good = decode_jpeg(job, &v);
    int channels = (int)job->channels;
    unsigned height = job->jpeg.image_height, width = job->jpeg.image_width;
    jpeg_destroy_decompress(&job->jpeg);
    if (!good) {
        free(job->rows);
        if (job->big)
            say_too_big(c, path, job->channels, height, width);
        else if (job->message[0])
            diag(c, data_jpeg, path, job->message);
        else
            ctx_oom(c);
        return false;
    }
    ctx_defer(c, free, job->rows);
    const uint8_t *pixels = planes(a, job->rows, channels, (size_t)height * width);
    set_sample(out, channels, (int)height, (int)width, pixels);
    return true;
}
#else
bool data_read_jpeg(struct ctx *c, struct arena *a, const char *path, struct sample *out) {
    (void)a, (void)out;
    diag(c, data_no_library, path, "JPEG");
    return false;
}
#endif
