/* Schedules in Lua: the only file that knows Lua.
 *
 * A script defines schedule(layer, target, default) and returns a table of tile sizes, or nil
 * for the default. It is not trusted: it gets base, table, math and the harmless half of string,
 * no more instructions than BUDGET, no more time than SECONDS and no more memory than
 * MEMORY_LIMIT, and every field it returns is checked. It runs as text only, and sees only copies:
 * nothing it does can change anything but the tiling, and a tiling changes cycles, never results.
 * docs/schedules.md is the page for its authors. */
#include "base/file.h"
#include "base/options.h"
#include "backend/diag.h"
#include "backend/internal.h"

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* One instruction may work on as much as lies in one piece of memory (a comparison of strings,
 * a concatenation): PIECE_LIMIT keeps the work between two looks at the clock small. */
enum {
    BUDGET = 10000000,
    SECONDS = 2,
    HOOK_STEP = 1000,
    COST_CHARGE = 200,
    MEMORY_KIB = 1024,
    PIECE_KIB = 64,
    MAX_MESSAGE = 500
};
#define MEMORY_LIMIT ((size_t)MEMORY_KIB << 10)
#define PIECE_LIMIT  ((size_t)PIECE_KIB << 10)

/* What Lua calls the script in messages: paths may be long, and hold anything. */
#define CHUNK "script"

struct be_script {
    struct ctx *c;
    const char *path;
    lua_State *lua;
    size_t memory;
    long left;    /* instructions */
    double end;   /* on the clock of processor_seconds() */
    int line;     /* the one that runs */
    bool broken;  /* it raised an error: it is not called again */
    bool starved; /* the system gave no memory: not the script's fault */
    /* what cost() is asked about */
    const struct be_plan *plan;
    const struct be_layer *layer;
    struct arena *texts; /* for messages about one answer */
};

/* ---- Sandbox --------------------------------------------------------------------------------- */

static void *allocate(void *user, void *old, size_t old_size, size_t new_size) {
    struct be_script *s = user;
    if (!old) old_size = 0; /* Lua passes a type tag there */
    if (new_size == 0) {
        free(old);
        s->memory -= old_size;
        return NULL;
    }
    bool grows = new_size > old_size;
    if (grows && new_size > PIECE_LIMIT) return NULL;
    if (grows && s->memory + (new_size - old_size) > MEMORY_LIMIT) return NULL;
    void *p = realloc(old, new_size);
    if (p)
        s->memory = s->memory - old_size + new_size;
    else
        s->starved = true;
    return p;
}

static struct be_script *script_of(lua_State *lua) {
    void *user;
    lua_getallocf(lua, &user);
    return user;
}

static double processor_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* luaL_error() would name the line of the caller. */
static void stop(lua_State *lua, int count, const char *of_what) {
    lua_pushfstring(lua, CHUNK ":%d: more than %d %s", script_of(lua)->line, count, of_what);
    lua_error(lua);
}

/* Running out of memory has no line of its own, hence `line`: kept up at each new line, and at
 * each return, by the caller's. */
static void hook(lua_State *lua, lua_Debug *debug) {
    struct be_script *s = script_of(lua);
    lua_Debug caller;
    if (debug->event == LUA_HOOKLINE) {
        s->line = debug->currentline;
    } else if (debug->event == LUA_HOOKRET) {
        if (!lua_getstack(lua, 1, &caller) || !lua_getinfo(lua, "l", &caller)) return;
        if (caller.currentline > 0) s->line = caller.currentline;
    } else {
        s->left -= HOOK_STEP;
        if (s->left <= 0) stop(lua, BUDGET, "instructions");
        if (processor_seconds() > s->end) stop(lua, SECONDS, "seconds");
    }
}

/* What stays of each library; everything else is removed, io, os, load, coroutines and debug
 * among it. Also removed is what runs long without executing instructions, so that the budget
 * cannot stop it (patterns, string.rep, table.move, insert and remove), and what differs from
 * run to run (pairs over hashed strings, tostring of a table, random, sort's choice of pivots):
 * the same model and script give the same program. */
static const struct library {
    const char *name;
    lua_CFunction open;
    const char *keep[32];
} libraries[] = {
    {LUA_GNAME,
     luaopen_base,
     {"assert", "error", "ipairs", "select", "tonumber", "type", "_VERSION"}},
    {LUA_TABLIBNAME, luaopen_table, {"concat", "pack", "unpack"}},
    {LUA_MATHLIBNAME,
     luaopen_math,
     {"abs", "ceil", "floor", "fmod", "huge", "log", "max", "maxinteger", "min", "mininteger",
      "modf", "sqrt", "tointeger", "type", "ult", "pi", "exp"}},
    {LUA_STRLIBNAME, luaopen_string, {"byte", "char", "len", "lower", "reverse", "sub", "upper"}},
};

static bool kept(const struct library *l, const char *name) {
    if (strcmp(name, LUA_GNAME) == 0) return true;
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        if (strcmp(l->name, LUA_GNAME) == 0 && strcmp(name, libraries[i].name) == 0) return true;
    for (int i = 0; l->keep[i]; i++)
        if (strcmp(name, l->keep[i]) == 0) return true;
    return false;
}

static void open_library(lua_State *lua, const struct library *l) {
    luaL_requiref(lua, l->name, l->open, 1);
    lua_pushnil(lua);
    while (lua_next(lua, -2)) {
        lua_pop(lua, 1);
        if (lua_type(lua, -1) != LUA_TSTRING || kept(l, lua_tostring(lua, -1))) continue;
        lua_pushvalue(lua, -1);
        lua_pushnil(lua);
        lua_rawset(lua, -4); /* clearing fields is allowed while walking */
    }
    lua_pop(lua, 1);
}

static int open_libraries(lua_State *lua) {
    for (size_t i = 0; i < sizeof libraries / sizeof *libraries; i++)
        open_library(lua, &libraries[i]);
    return 0;
}

/* ---- Messages -------------------------------------------------------------------------------- */

static void forget_texts(struct be_script *s) {
    arena_free(s->texts);
    s->texts = arena_new(s->c);
}

/* An error of Lua: where in the script, and what. */
struct raised {
    const char *where, *text;
};

/* Lua's own message; cut, in case the script made it long. */
static const char *message_text(struct be_script *s) {
    size_t length;
    const char *text = lua_tolstring(s->lua, -1, &length);
    if (!text) return "the script raised an error that is no text";
    char *copy = arena_strndup(s->texts, text, length < MAX_MESSAGE ? length : MAX_MESSAGE);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p < ' ') *p = ' ';
    return copy;
}

/* Where an error is raised by Lua or by error(), its message begins with CHUNK:LINE: */
static struct raised raised(struct be_script *s, int status) {
    if (status == LUA_ERRMEM)
        return (struct raised){
            s->line > 0 ? arena_printf(s->texts, "%s:%d", s->path, s->line) : s->path,
            arena_printf(s->texts,
                         "not enough memory: scripts have %d KiB, and %d KiB for one string, one "
                         "table or all calls inside each other",
                         MEMORY_KIB, PIECE_KIB)};
    const char *text = message_text(s);
    size_t chunk = strlen(CHUNK ":");
    size_t digits = strncmp(text, CHUNK ":", chunk) == 0 ? strspn(text + chunk, "0123456789") : 0;
    const char *rest = text + chunk + digits;
    if (digits == 0 || strncmp(rest, ": ", 2) != 0) return (struct raised){s->path, text};
    return (struct raised){arena_printf(s->texts, "%s:%.*s", s->path, (int)digits, text + chunk),
                           rest + 2};
}

static const char *value_text(struct be_script *s, int index) {
    switch (lua_type(s->lua, index)) {
    case LUA_TNUMBER:
        if (lua_isinteger(s->lua, index))
            return arena_printf(s->texts, "%lld", (long long)lua_tointeger(s->lua, index));
        if (lua_tonumber(s->lua, index) != lua_tonumber(s->lua, index)) return "nan";
        return arena_printf(s->texts, "%g", lua_tonumber(s->lua, index));
    case LUA_TBOOLEAN:
        return lua_toboolean(s->lua, index) ? "true" : "false";
    case LUA_TSTRING:
        return arena_printf(s->texts, "\"%.40s\"", lua_tostring(s->lua, index));
    default:
        return arena_printf(s->texts, "a %s", lua_typename(s->lua, lua_type(s->lua, index)));
    }
}

/* ---- What a script sees ---------------------------------------------------------------------- */

static void number_field(lua_State *lua, const char *name, int64_t v) {
    lua_pushinteger(lua, v);
    lua_setfield(lua, -2, name);
}

static void string_field(lua_State *lua, const char *name, const char *v) {
    lua_pushstring(lua, v);
    lua_setfield(lua, -2, name);
}

static void push_target(lua_State *lua, const struct svpe_target *t) {
    lua_newtable(lua);
    string_field(lua, "name", t->name);
#define TARGET_KEY(key, ...) number_field(lua, #key, t->key);
#include "isa/target.def"
#undef TARGET_KEY
}

static void push_layer(lua_State *lua, const struct be_layer *l) {
    const struct be_shape *s = l->shape;
    lua_newtable(lua);
    string_field(lua, "name", l->name);
    string_field(lua, "kind", be_layer_kind(l));
    if (l->node->op == IR_OP_qconv) string_field(lua, "form", svpe_form_info(s->form)->name);
    const struct {
        const char *name;
        int64_t value;
    } fields[] = {{"index", l->index},
                  {"in_channels", s->x->channels},
                  {"in_rows", s->x->height},
                  {"in_cols", s->x->width},
                  {"channels", s->y->channels},
                  {"rows", s->ay.out},
                  {"cols", s->ax.out},
                  {"kernel_rows", s->kh},
                  {"kernel_cols", s->kw},
                  {"row_stride", s->ay.stride},
                  {"col_stride", s->ax.stride},
                  {"group", s->group},
                  {"bits", s->bits},
                  {"terms", s->terms},
                  {"macs", l->macs}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        number_field(lua, fields[i].name, fields[i].value);
}

static const char *const order_names[] = {
    [BE_ORDER_SPATIAL_OUTER] = "spatial", [BE_ORDER_CHANNEL_OUTER] = "channel"};

static void push_tiling(lua_State *lua, const struct be_tiling *t) {
    lua_newtable(lua);
    number_field(lua, "rows", t->rows);
    number_field(lua, "cols", t->cols);
    number_field(lua, "oc", t->oc);
    number_field(lua, "ic", t->ic);
    string_field(lua, "order", order_names[t->order]);
    lua_pushboolean(lua, t->double_buffer);
    lua_setfield(lua, -2, "double_buffer");
}

/* ---- What a script returns ------------------------------------------------------------------- */

/* A field that is wrong: its value is on the stack's top. */
struct wrong {
    bool unknown; /* no such field */
    const char *field, *value, *expected, *nearest;
};

static const char *const field_names[] = {"rows", "cols", "oc", "ic", "order", "double_buffer"};
enum { FIELD_COUNT = sizeof field_names / sizeof *field_names };

static bool read_number(struct be_script *s, const char *name, int *out, struct wrong *w) {
    lua_State *lua = s->lua;
    int exact;
    lua_Integer v = lua_tointegerx(lua, -1, &exact);
    if (lua_type(lua, -1) == LUA_TNUMBER && exact && v >= INT32_MIN && v <= INT32_MAX) {
        *out = (int)v;
        return true;
    }
    *w = (struct wrong){.field = name,
                        .value = value_text(s, -1),
                        .expected = exact && lua_type(lua, -1) == LUA_TNUMBER
                                        ? "a whole number of 32 bits"
                                        : "a whole number"};
    return false;
}

static bool read_order(struct be_script *s, enum be_order *out, struct wrong *w) {
    for (int i = 0; i < 2; i++)
        if (lua_type(s->lua, -1) == LUA_TSTRING &&
            strcmp(lua_tostring(s->lua, -1), order_names[i]) == 0) {
            *out = (enum be_order)i;
            return true;
        }
    *w = (struct wrong){
        .field = "order", .value = value_text(s, -1), .expected = "\"spatial\" or \"channel\""};
    return false;
}

static bool read_flag(struct be_script *s, int *out, struct wrong *w) {
    if (lua_isboolean(s->lua, -1)) {
        *out = lua_toboolean(s->lua, -1);
        return true;
    }
    *w = (struct wrong){
        .field = "double_buffer", .value = value_text(s, -1), .expected = "true or false"};
    return false;
}

static bool read_field(struct be_script *s, const char *name, struct be_tiling *t,
                       struct wrong *w) {
    int *const numbers[] = {&t->rows, &t->cols, &t->oc, &t->ic};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, field_names[i]) == 0) return read_number(s, name, numbers[i], w);
    if (strcmp(name, "order") == 0) return read_order(s, &t->order, w);
    return read_flag(s, &t->double_buffer, w);
}

static bool known_field(const char *name) {
    for (int i = 0; i < FIELD_COUNT; i++)
        if (strcmp(name, field_names[i]) == 0) return true;
    return false;
}

/* Fields left out keep their value. Walks without metamethods: a script's code does not run
 * here. */
static bool read_tiling(struct be_script *s, int table, struct be_tiling *t, struct wrong *w) {
    lua_State *lua = s->lua;
    lua_pushnil(lua);
    while (lua_next(lua, table)) {
        const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : NULL;
        if (!name || !known_field(name)) {
            *w = (struct wrong){.field = name ? arena_printf(s->texts, "%.40s", name)
                                              : value_text(s, -2)};
            w->nearest = name ? nearest_name(name, field_names, FIELD_COUNT) : NULL;
            w->unknown = true;
            return false;
        }
        if (!read_field(s, name, t, w)) return false;
        lua_pop(lua, 1);
    }
    return true;
}

static bool say_wrong(const struct be_script *s, const struct wrong *w) {
    const char *name = s->layer->name;
    if (w->unknown && w->nearest)
        diag(s->c, be_lua_near, s->path, name, w->field, w->nearest);
    else if (w->unknown)
        diag(s->c, be_lua_unknown, s->path, name, w->field);
    else
        diag(s->c, be_lua_field, s->path, name, w->field, w->value, w->expected);
    return false;
}

static const char *wrong_text(struct arena *a, const struct wrong *w) {
    if (!w->unknown)
        return arena_printf(a, "%s = %s: expected %s", w->field, w->value, w->expected);
    if (!w->nearest) return arena_printf(a, "unknown field '%s'", w->field);
    return arena_printf(a, "unknown field '%s'; did you mean '%s'?", w->field, w->nearest);
}

/* cost(tiling): estimated cycles of the layer being scheduled with it; or nil and why it does
 * not work. */
static int lua_cost(lua_State *lua) {
    struct be_script *s = script_of(lua);
    struct be_need need;
    struct be_misfit why;
    struct wrong w;
    s->left -= COST_CHARGE; /* the work of a call, in instructions; the hook looks at it */
    forget_texts(s);
    luaL_checktype(lua, 1, LUA_TTABLE);
    if (!s->layer) return luaL_error(lua, "cost() works only inside schedule()");
    struct be_tiling t = s->layer->tiling;
    bool read = read_tiling(s, 1, &t, &w);
    if (read && be_tiling_fits(s->plan, s->layer, &t, &need, &why)) {
        lua_pushnumber(lua, be_tiling_cost(s->plan, s->layer, &t, &need).cycles);
        return 1;
    }
    lua_pushnil(lua);
    lua_pushstring(lua, read ? be_misfit_text(s->texts, &why) : wrong_text(s->texts, &w));
    return 2;
}

/* ---- Running --------------------------------------------------------------------------------- */

static void close_script(void *user) {
    struct be_script *s = user;
    if (s->lua) lua_close(s->lua);
    s->lua = NULL;
}

/* Protected: running out of Lua's memory inside is an error like any other. */
static int load_script(lua_State *lua) {
    struct file_view *file = lua_touserdata(lua, 1);
    open_libraries(lua);
    lua_pushcfunction(lua, lua_cost);
    lua_setglobal(lua, "cost");
    if (luaL_loadbufferx(lua, (const char *)file->data, file->size, "=" CHUNK, "t"))
        return lua_error(lua);
    lua_call(lua, 0, 0);
    lua_getglobal(lua, "schedule");
    lua_pushboolean(lua, lua_isfunction(lua, -1));
    return 1;
}

static void start_budget(struct be_script *s) {
    s->left = BUDGET;
    s->end = processor_seconds() + SECONDS;
    s->line = 0;
    s->starved = false;
    lua_sethook(s->lua, hook, LUA_MASKCOUNT | LUA_MASKLINE | LUA_MASKRET, HOOK_STEP);
}

struct be_script *be_script_open(struct ctx *c, struct arena *a, const char *path) {
    struct file_view file;
    if (!file_map(c, path, &file)) return NULL;
    struct be_script *s = arena_alloc(a, sizeof *s);
    *s = (struct be_script){.c = c, .path = path, .texts = arena_new(c)};
    ctx_defer(c, close_script, s);
    s->lua = lua_newstate(allocate, s);
    if (!s->lua) ctx_oom(c);
    start_budget(s);
    lua_pushcfunction(s->lua, load_script);
    lua_pushlightuserdata(s->lua, &file);
    int status = lua_pcall(s->lua, 1, 1, 0);
    if (status != LUA_OK && s->starved) ctx_oom(s->c);
    if (status != LUA_OK) {
        struct raised r = raised(s, status);
        diag(c, be_lua_load, r.where, r.text);
        return NULL;
    }
    bool found = lua_toboolean(s->lua, -1);
    lua_settop(s->lua, 0);
    if (found) return s;
    diag(c, be_lua_missing, path);
    return NULL;
}

static int call_schedule(lua_State *lua) {
    struct be_script *s = script_of(lua);
    lua_getglobal(lua, "schedule");
    push_layer(lua, s->layer);
    push_target(lua, s->plan->target);
    push_tiling(lua, &s->layer->tiling);
    lua_call(lua, 3, 1);
    return 1;
}

/* What the numbers have to be, by the tiler's own rules. */
static bool check_tiling(const struct be_script *s, const struct be_tiling *t) {
    struct be_need need;
    struct be_misfit why;
    if (be_tiling_fits(s->plan, s->layer, t, &need, &why)) return true;
    if (why.buffer < 0 && known_field(why.what)) {
        diag(s->c, be_lua_field, s->path, s->layer->name, why.what,
             arena_printf(s->texts, "%lld", (long long)why.value),
             be_misfit_expected(s->texts, &why));
        return false;
    }
    diag(s->c, be_lua_tiling, s->path, s->layer->name, be_tiling_text(s->texts, t),
         s->plan->target->name, be_misfit_text(s->texts, &why));
    return false;
}

bool be_script_tiling(struct be_script *s, const struct be_plan *p, const struct be_layer *l,
                      struct be_tiling *tiling) {
    struct wrong w;
    if (s->broken) return false;
    forget_texts(s);
    s->plan = p;
    s->layer = l;
    start_budget(s);
    lua_settop(s->lua, 0);
    lua_pushcfunction(s->lua, call_schedule);
    int status = lua_pcall(s->lua, 0, 1, 0);
    if (status != LUA_OK && s->starved) ctx_oom(s->c);
    if (status != LUA_OK) {
        struct raised r = raised(s, status);
        diag(s->c, be_lua_run, r.where, l->name, r.text);
        s->broken = true;
        return false;
    }
    if (lua_isnil(s->lua, 1)) return true;
    if (!lua_istable(s->lua, 1)) {
        diag(s->c, be_lua_result, s->path, l->name, lua_typename(s->lua, lua_type(s->lua, 1)));
        return false;
    }
    if (!read_tiling(s, 1, tiling, &w)) return say_wrong(s, &w);
    return check_tiling(s, tiling);
}
