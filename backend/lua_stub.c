/* Takes the place of lua.c in a build without Lua: every schedule script is refused. */
#include "backend/diag.h"
#include "backend/internal.h"

struct be_script *be_script_open(struct ctx *c, struct arena *a, const char *path) {
    (void)a;
    diag(c, be_lua_none, path);
    return NULL;
}

bool be_script_tiling(struct be_script *s, const struct be_plan *p, const struct be_layer *l,
                      struct be_tiling *tiling) {
    (void)s, (void)p, (void)l, (void)tiling;
    return false;
}
