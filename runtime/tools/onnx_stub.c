/* Takes the place of frontend/reference.c in a build without the ONNX importer: --reference and
 * --against are refused. */
#include "base/engine.h"
#include "runtime/diag.h"

struct engine *engine_open_onnx(struct ctx *c, struct arena *a, const char *path,
                                const struct engine_sizes *sizes) {
    (void)a;
    (void)sizes;
    diag(c, run_no_onnx, path);
    return NULL;
}
