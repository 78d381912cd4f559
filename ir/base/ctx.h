/* The context of one job (one compile, one load): its arenas, its diagnostics, its way out of
 * memory.
 *
 * Out of memory: arena_alloc() never returns NULL. It calls ctx_oom(), which longjmps to the
 * jmp_buf that a public entry point has set with `setjmp(c->oom)`; that entry point says "out of
 * memory" and returns an error; ctx_free() then releases every arena, so nothing leaks. Only public
 * entry points call setjmp. Anything not allocated from an arena (an mmap, a FILE) is registered
 * with ctx_defer() to be released.
 */
#ifndef NBQ_BASE_CTX_H
#define NBQ_BASE_CTX_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct arena;
struct diag;
struct progress;

struct ctx {
    jmp_buf oom;               /* set by the public entry point, see above */
    struct arena *arenas;      /* every arena made with arena_new(), newest first */
    struct ctx_defer *defer;   /* releases that are not memory, newest first */
    struct diag *first, *last; /* diagnostics in the order they were said */
    struct arena *diags;       /* where they live; made with the first one */
    int errors, warnings;
    FILE *live;                /* where diagnostics are printed at once, or NULL: only kept */
    const char *tool;          /* prefix of printed diagnostics, e.g. "nbqc" */
    bool quiet;                /* no progress bars */
    uint64_t memory, limit;    /* bytes that its arenas have, and most they may have; 0: no limit */
    bool stdin_taken;          /* by file_map("-") */
    struct progress *progress; /* the bar on the terminal, or NULL: see base/progress.h */
};

/* Exit codes of every tool. */
enum exit_code { EXIT_OK = 0, EXIT_BAD_INPUT = 1, EXIT_USAGE = 2, EXIT_INTERNAL = 3 };

/* ctx.c */
void ctx_init(struct ctx *c, const char *tool, FILE *live);
void ctx_free(struct ctx *c); /* runs deferred releases, frees all arenas; c may be init'ed again */
_Noreturn void ctx_oom(struct ctx *c);
/* Calls release(object) at ctx_free(). If memory for the note runs out, object is released before
 * the longjmp. */
void ctx_defer(struct ctx *c, void (*release)(void *), void *object);
/* For jobs of many parts: what was deferred since the mark is released now, newest first. */
struct ctx_defer *ctx_mark(const struct ctx *c);
void ctx_release(struct ctx *c, const struct ctx_defer *mark);

/* arena.c: memory is zeroed, and aligned to 64 bytes for requests of 64 bytes or more, else to
 * 16. */
struct arena *arena_new(struct ctx *c);          /* freed by arena_free() or ctx_free() */
void arena_free(struct arena *a);                /* NULL is allowed */
void *arena_alloc(struct arena *a, size_t size); /* never NULL; size 0 gives a unique pointer */
void *arena_array(struct arena *a, size_t count,
                  size_t size); /* the product is overflow-checked: ctx_oom() */
/* A copy of old[0..old_count) in an array of new_count >= old_count; the old one stays until the
 * arena goes. */
void *arena_grow(struct arena *a, const void *old, size_t old_count, size_t new_count, size_t size);
void *arena_copy(struct arena *a, const void *p, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
struct ctx *arena_ctx(const struct arena *a);
/* Nobody touches p[size] again, of any of the context's arenas: its whole pages go back to the
 * system. Memory of others stays as it is. */
void arena_drop(const struct ctx *c, const void *p, size_t size);

#endif
