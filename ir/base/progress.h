/* A line on the terminal that says how far a long job is, with what is left of it. It is drawn
 * after a second, then at most ten times a second, by whoever reports a step: there is no thread
 * and no waiting for it. Without a terminal at standard error, on TERM=dumb, and in a context that
 * is quiet or whose messages go elsewhere, nothing is drawn. There are no colours in it (so
 * NO_COLOR changes nothing). */
#ifndef NBQ_BASE_PROGRESS_H
#define NBQ_BASE_PROGRESS_H

#include "base/ctx.h"

struct progress;

/* progress.c: one bar per context at a time; what ("calibrating") must stay until the end. NULL
 * where none is to be drawn, which the others take. Diagnostics of c erase the bar before they are
 * printed. */
struct progress *progress_begin(struct ctx *c, struct arena *a, const char *what, long total);
/* steps more are done; from any thread. 0 only looks at the clock, for steps of many seconds. */
void progress_step(struct progress *p, long steps);
void progress_erase(struct progress *p); /* until the next step */
void progress_end(struct progress *p);   /* before a goes */

/* The line, without a newline and of less than `columns` characters; seconds have passed. */
struct progress_state {
    const char *tool, *what;
    long done, total;
    double seconds;
};
void progress_line(const struct progress_state *s, size_t columns, char *to, size_t room);

#endif
