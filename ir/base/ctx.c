/* The context: see ctx.h. */
#include "base/ctx.h"

#include <stdlib.h>
#include <string.h>

struct ctx_defer {
    struct ctx_defer *next;
    void (*release)(void *);
    void *object;
};

void ctx_init(struct ctx *c, const char *tool, FILE *live) {
    memset(c, 0, sizeof *c);
    c->tool = tool;
    c->live = live;
}

struct ctx_defer *ctx_mark(const struct ctx *c) {
    return c->defer;
}

void ctx_release(struct ctx *c, const struct ctx_defer *mark) {
    while (c->defer != mark) {
        struct ctx_defer *d = c->defer;
        c->defer = d->next;
        d->release(d->object);
        free(d);
    }
}

void ctx_free(struct ctx *c) {
    ctx_release(c, NULL);
    while (c->arenas) arena_free(c->arenas);
    const char *tool = c->tool;
    FILE *live = c->live;
    ctx_init(c, tool, live);
}

_Noreturn void ctx_oom(struct ctx *c) {
    longjmp(c->oom, 1);
}

void ctx_defer(struct ctx *c, void (*release)(void *), void *object) {
    struct ctx_defer *d = malloc(sizeof *d);
    if (!d) {
        release(object);
        ctx_oom(c);
    }
    d->next = c->defer;
    d->release = release;
    d->object = object;
    c->defer = d;
}
