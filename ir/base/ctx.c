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

void ctx_free(struct ctx *c) {
    for (struct ctx_defer *d = c->defer, *next; d; d = next) {
        next = d->next;
        d->release(d->object);
        free(d);
    }
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
