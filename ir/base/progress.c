/* Progress bars: see progress.h. */
#include "base/progress.h"

#include "base/interrupt.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { LINE_ROOM = 256, BAR = 20, COLUMNS = 80, MINUTE = 60, HOUR = 3600 };

#define SECOND ((int64_t)1000000000)

struct progress {
    struct ctx *c;
    const char *what;
    long total;
    atomic_long done;
    int64_t start;       /* nanoseconds, as next */
    atomic_llong next;   /* when the line may be drawn again */
    pthread_mutex_t pen; /* of the line on the terminal */
    bool drawn;
};

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static bool has_terminal(const struct ctx *c) {
    const char *term = getenv("TERM");
    return c->live == stderr && !c->quiet && isatty(STDERR_FILENO) && term &&
           strcmp(term, "dumb") != 0;
}

static size_t terminal_columns(void) {
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return COLUMNS;
    return size.ws_col;
}

/* ---- The line ---- */

static void print_left(char *to, size_t room, double seconds) {
    long s = seconds < 1e9 ? (long)(seconds + 0.5) : 1000000000;
    if (s < MINUTE)
        snprintf(to, room, "%ld s left", s);
    else if (s < HOUR)
        snprintf(to, room, "%ld min %02ld s left", s / MINUTE, s % MINUTE);
    else
        snprintf(to, room, "%ld h %02ld min left", s / HOUR, s % HOUR / MINUTE);
}

static void print_bar(char *to, double part) {
    int full = (int)(part * BAR);
    *to++ = '[';
    for (int i = 0; i < BAR; i++) *to++ = i < full ? '#' : '.';
    *to++ = ']';
    *to++ = ' ';
    *to = 0;
}

void progress_line(const struct progress_state *s, size_t columns, char *to, size_t room) {
    char bar[BAR + 4], left[40] = "", line[LINE_ROOM];
    double part = s->total > 0 ? (double)s->done / (double)s->total : 0;
    double rate = s->seconds > 0 ? (double)s->done / s->seconds : 0;
    if (part > 1) part = 1;
    print_bar(bar, part);
    if (rate > 0)
        print_left(left, sizeof left, (double)(s->total - s->done) / rate);
    else
        snprintf(left, sizeof left, "%.0f s so far", s->seconds);
    /* What does not fit is cut off; the bar, which says least, goes before that. */
    for (int with_bar = 1; with_bar >= 0; with_bar--) {
        int n =
            snprintf(line, sizeof line, "%s: %s %s%ld of %ld, %d %%, %.3g/s, %s", s->tool, s->what,
                     with_bar ? bar : "", s->done, s->total, (int)(100 * part), rate, left);
        if (n >= 0 && (size_t)n < columns) break;
    }
    if (columns > room) columns = room;
    snprintf(to, columns, "%s", line);
}

/* ---- The terminal ---- */

static void erase_line(struct progress *p) {
    if (p->drawn) fputs("\r\033[K", stderr);
    p->drawn = false;
}

static void draw(struct progress *p, int64_t at) {
    struct progress_state s = {.tool = p->c->tool,
                               .what = p->what,
                               .done = atomic_load(&p->done),
                               .total = p->total,
                               .seconds = (double)(at - p->start) / (double)SECOND};
    char line[LINE_ROOM];
    progress_line(&s, terminal_columns(), line, sizeof line);
    if (interrupt_came()) return;
    fprintf(stderr, "\r%s\033[K", line);
    p->drawn = true;
    if (interrupt_came()) erase_line(p); /* in between: the message must not stand above a bar */
}

struct progress *progress_begin(struct ctx *c, struct arena *a, const char *what, long total) {
    if (!has_terminal(c)) return NULL;
    struct progress *p = arena_alloc(a, sizeof *p);
    p->c = c;
    p->what = what;
    p->total = total;
    p->start = now();
    atomic_init(&p->next, p->start + SECOND);
    pthread_mutex_init(&p->pen, NULL);
    c->progress = p;
    return p;
}

/* Whoever moves the next time draws; a thread that finds another one drawing goes on working. */
void progress_step(struct progress *p, long steps) {
    if (!p) return;
    atomic_fetch_add(&p->done, steps);
    int64_t at = now();
    long long next = atomic_load(&p->next);
    if (at < next || !atomic_compare_exchange_strong(&p->next, &next, at + SECOND / 10)) return;
    if (pthread_mutex_trylock(&p->pen) != 0) return;
    draw(p, at);
    pthread_mutex_unlock(&p->pen);
}

void progress_erase(struct progress *p) {
    if (!p) return;
    pthread_mutex_lock(&p->pen);
    erase_line(p);
    pthread_mutex_unlock(&p->pen);
}

void progress_end(struct progress *p) {
    if (!p) return;
    progress_erase(p);
    pthread_mutex_destroy(&p->pen);
    p->c->progress = NULL;
}
