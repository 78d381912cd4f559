/* Diagnostics: kept in the context, printed at once where it has a live stream. */
#include "base/diag.h"
#include "base/progress.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

static const char *severity_name(enum diag_severity s) {
    static const char *const names[] = {"error", "warning", "note"};
    return names[s];
}

void diag_print(const struct diag *d, const char *tool, FILE *to) {
    if (tool) fprintf(to, "%s: ", tool);
    fprintf(to, "%s: ", severity_name(d->severity));
    if (d->where) fprintf(to, "%s: ", d->where);
    fprintf(to, "%s\n", d->message);
    if (!d->hint) return;
    if (tool) fprintf(to, "%s: ", tool);
    fprintf(to, "hint: %s\n", d->hint);
}

/* Diagnostics outlive the arenas of passes and tiles, so that they have one of their own: the
 * context's oldest. */
static struct arena *diag_arena(struct ctx *c) {
    if (!c->diags) c->diags = arena_new(c);
    return c->diags;
}

void diag_emit(struct ctx *c, enum diag_severity severity, const char *id, const char *where,
               const char *hint, const char *format, ...) {
    struct arena *a = diag_arena(c);
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *message = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    vsnprintf(message, (size_t)(n < 0 ? 0 : n) + 1, format, again);
    va_end(again);
    struct diag *d = arena_alloc(a, sizeof *d);
    d->severity = severity;
    d->id = id;
    /* Names come out of files: what they hold must not steer a terminal, nor look like a line of
     * ours. */
    d->where = where ? utf8_printable(a, where) : NULL;
    d->message = utf8_printable(a, message);
    d->hint = hint;
    const char *said = c->last ? c->last->hint : NULL;
    if (c->last)
        c->last->next = d;
    else
        c->first = d;
    c->last = d;
    if (severity == DIAG_ERROR) c->errors++;
    if (severity == DIAG_WARNING) c->warnings++;
    if (!c->live) return;
    progress_erase(c->progress);
    struct diag shown = *d;
    if (hint && said && !strcmp(hint, said))
        shown.hint = NULL; /* once for a run of equal problems */
    diag_print(&shown, c->tool, c->live);
}

const struct diag *diag_find(const struct ctx *c, const char *id) {
    for (const struct diag *d = c->first; d; d = d->next)
        if (!strcmp(d->id, id)) return d;
    return NULL;
}
