/* JPEG through libjpeg-turbo. Images of four inks (CMYK, and YCCK, which the library turns into it)
 * become colours by R = C·K / 255, rounded, of values where 255 is no ink: those are what files
 * with an Adobe marker hold; without the marker 255 is all ink (libjpeg.txt, "Special color
 * spaces"). No colour profile is applied. */
#include "base/data/data_room.h"

#ifdef NBQ_JPEG
#include <jerror.h>
#include <jpeglib.h>
#include <setjmp.h>
#include <stdlib.h>

struct jpeg_job {
    struct jpeg_error_mgr errors; /* first: libjpeg hands it back */
    jmp_buf fail;
    struct jpeg_decompress_struct jpeg;
    char message[JMSG_LENGTH_MAX];
    uint8_t *rows;
    unsigned step;     /* bytes a pixel in rows: 1, 3, or 4 inks */
    unsigned channels; /* of the result: 1 or 3 */
    bool no_ink_is_0;  /* of 4 inks */
    bool big;          /* refused for its size */
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

/* What the library is asked to make of the file's colour space. */
static bool set_form(struct jpeg_job *job) {
    struct jpeg_decompress_struct *j = &job->jpeg;
    bool grey = j->jpeg_color_space == JCS_GRAYSCALE;
    bool inks = j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK;
    if (j->jpeg_color_space == JCS_UNKNOWN) {
        snprintf(job->message, sizeof job->message,
                 "%d components; expected 1 (grey), 3 (colour) or 4 (inks)", j->num_components);
        return false;
    }
    j->out_color_space = grey ? JCS_GRAYSCALE : inks ? JCS_CMYK : JCS_RGB;
    job->step = grey ? 1 : inks ? 4 : 3;
    job->channels = grey ? 1 : 3;
    job->no_ink_is_0 = inks && !j->saw_Adobe_marker;
    job->big = data_too_big(job->step, j->image_height, j->image_width);
    return !job->big; /* before the library takes memory for that many */
}

static bool decode(struct jpeg_job *job, const struct file_view *v) {
    job->jpeg.err = jpeg_std_error(&job->errors);
    job->errors.error_exit = jpeg_fail;
    job->errors.emit_message = jpeg_message;
    job->errors.output_message = jpeg_quiet;
    if (setjmp(job->fail)) return false;
    jpeg_create_decompress(&job->jpeg);
    jpeg_mem_src(&job->jpeg, v->data, v->size);
    jpeg_read_header(&job->jpeg, TRUE);
    if (!set_form(job)) return false;
    jpeg_start_decompress(&job->jpeg);
    size_t row = (size_t)job->jpeg.output_width * job->step;
    job->rows = malloc(row * job->jpeg.output_height);
    if (!job->rows) return false;
    while (job->jpeg.output_scanline < job->jpeg.output_height) {
        JSAMPROW line = job->rows + row * job->jpeg.output_scanline;
        jpeg_read_scanlines(&job->jpeg, &line, 1);
    }
    jpeg_finish_decompress(&job->jpeg);
    return true;
}

static const uint8_t *planes(struct arena *a, const struct jpeg_job *job, size_t plane) {
    uint8_t *to = arena_alloc(a, plane * job->channels);
    unsigned flip = job->no_ink_is_0 ? 255 : 0;
    for (size_t i = 0; i < plane; i++) {
        const uint8_t *pixel = job->rows + i * job->step;
        unsigned black = job->step == 4 ? pixel[3] ^ flip : 255;
        for (unsigned ch = 0; ch < job->channels; ch++)
            to[ch * plane + i] = (uint8_t)(((pixel[ch] ^ flip) * black + 127) / 255);
    }
    return to;
}

bool data_read_jpeg(struct ctx *c, struct arena *a, const char *path, const struct file_view *v,
                    struct sample *out) {
    struct jpeg_job *job = arena_alloc(a, sizeof *job);
    bool good = decode(job, v);
    unsigned height = job->jpeg.image_height, width = job->jpeg.image_width;
    jpeg_destroy_decompress(&job->jpeg);
    if (!good) {
        free(job->rows);
        if (job->big)
            data_say_too_big(c, path, job->step, height, width);
        else if (job->message[0])
            diag(c, data_jpeg, path, job->message);
        else
            ctx_oom(c);
        return false;
    }
    ctx_defer(c, free, job->rows);
    *out = (struct sample){.channels = (int)job->channels,
                           .height = (int)height,
                           .width = (int)width,
                           .bytes = planes(a, job, (size_t)height * width),
                           .label = -1};
    return true;
}
#else
bool data_read_jpeg(struct ctx *c, struct arena *a, const char *path, const struct file_view *v,
                    struct sample *out) {
    (void)a, (void)v, (void)out;
    diag(c, data_no_library, path, "JPEG");
    return false;
}
#endif
