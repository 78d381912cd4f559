/* The line of a progress bar, and a terminal that has to hold it: when it is drawn, how often, when
 * it goes. */
#include "test.h"

#include "base/diag.h"
#include "base/interrupt.h"
#include "base/progress.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

/* ---- The line ---- */

static const char *line_of(long done, long total, double seconds, size_t columns) {
    static char to[256];
    struct progress_state s = {"nbqc", "calibrating", done, total, seconds};
    progress_line(&s, columns, to, sizeof to);
    return to;
}

static void the_line_says_count_rate_and_time_left(void **state) {
    (void)state;
    assert_string_equal(
        line_of(128, 512, 4, 100),
        "nbqc: calibrating [#####...............] 128 of 512, 25 %, 32/s, 12 s left");
    assert_string_equal(line_of(0, 512, 1, 100),
                        "nbqc: calibrating [....................] 0 of 512, 0 %, 0/s, 1 s so far");
    assert_string_equal(
        line_of(511, 512, 5110, 100),
        "nbqc: calibrating [###################.] 511 of 512, 99 %, 0.1/s, 10 s left");
    assert_string_equal(line_of(10, 1000, 10, 70),
                        "nbqc: calibrating 10 of 1000, 1 %, 1/s, 16 min 30 s left");
    assert_non_null(strstr(line_of(1, 7202, 1, 100), "2 h 00 min left"));
    assert_non_null(strstr(line_of(513, 512, 1, 100), "100 %"));
}

/* Never as long as the terminal is wide: a line that wraps cannot be taken back. */
static void the_line_fits(void **state) {
    (void)state;
    for (size_t columns = 1; columns < 120; columns++)
        assert_true(strlen(line_of(123456, 999999, 77, columns)) < columns);
}

/* ---- On a terminal ---- */

enum { ROOM = 1 << 16 };

struct screen {
    char text[ROOM];
    size_t size;
};

static int terminal_open(int *far) {
    int near = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(near >= 0 && grantpt(near) == 0 && unlockpt(near) == 0);
    *far = open(ptsname(near), O_RDWR | O_NOCTTY);
    assert_true(*far >= 0);
    return near;
}

/* Runs body in a child whose standard error is a terminal (or a pipe); all that arrives there. */
static void watch(void (*body)(struct ctx *c), const char *term, bool terminal, struct screen *to) {
    int ends[2];
    if (terminal)
        ends[0] = terminal_open(&ends[1]);
    else
        assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ctx c;
        dup2(ends[1], STDERR_FILENO);
        if (term)
            setenv("TERM", term, 1);
        else
            unsetenv("TERM");
        ctx_init(&c, "test", stderr);
        if (setjmp(c.oom)) _exit(3);
        body(&c);
        ctx_free(&c);
        _exit(0);
    }
    close(ends[1]);
    to->size = 0;
    for (ssize_t n; (n = read(ends[0], to->text + to->size, ROOM - 1 - to->size)) > 0;)
        to->size += (size_t)n;
    to->text[to->size] = 0;
    close(ends[0]);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
}

static int times(const char *text, const char *what) {
    int n = 0;
    for (const char *s = text; (s = strstr(s, what)); s += strlen(what)) n++;
    return n;
}

static void short_job(struct ctx *c) {
    struct progress *p = progress_begin(c, arena_new(c), "counting", 80);
    for (int i = 0; i < 80; i++) {
        poll(NULL, 0, 10);
        progress_step(p, 1);
    }
    progress_end(p);
}

/* About 1.6 s, in steps of 2 ms. */
static void long_job(struct ctx *c) {
    struct progress *p = progress_begin(c, arena_new(c), "counting", 800);
    for (int i = 0; i < 800; i++) {
        poll(NULL, 0, 2);
        progress_step(p, 1);
    }
    progress_end(p);
    diag_emit(c, DIAG_NOTE, "id", NULL, NULL, "done");
}

static void quiet_job(struct ctx *c) {
    c->quiet = true;
    long_job(c);
}

static void talking_job(struct ctx *c) {
    struct progress *p = progress_begin(c, arena_new(c), "counting", 130);
    for (int i = 0; i < 130; i++) {
        poll(NULL, 0, 10);
        progress_step(p, 1);
        if (i == 125) diag_emit(c, DIAG_WARNING, "id", NULL, NULL, "in between");
    }
    progress_end(p);
}

static void *count_up(void *p) {
    for (int i = 0; i < 130; i++) {
        poll(NULL, 0, 10);
        progress_step(p, 1);
    }
    return NULL;
}

static void threaded_job(struct ctx *c) {
    enum { THREADS = 8 };
    pthread_t threads[THREADS];
    struct progress *p = progress_begin(c, arena_new(c), "counting", 130 * THREADS);
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, count_up, p);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    progress_step(p, 0);
    progress_end(p);
}

/* The signal waits for a release that does not come. */
static void interrupted_job(struct ctx *c) {
    interrupt_install("test");
    interrupt_hold();
    if (interrupt_came()) _exit(4);
    kill(getpid(), SIGTERM);
    if (!interrupt_came()) _exit(5);
    struct progress *p = progress_begin(c, arena_new(c), "counting", 800);
    for (int i = 0; i < 130; i++) {
        poll(NULL, 0, 10);
        progress_step(p, 1);
    }
    progress_end(p);
}

static struct screen screen;

static void a_short_job_draws_nothing(void **state) {
    (void)state;
    watch(short_job, "xterm", true, &screen);
    assert_string_equal(screen.text, "");
}

static void a_long_job_draws_from_the_second_second_on(void **state) {
    (void)state;
    watch(long_job, "xterm", true, &screen);
    int drawn = times(screen.text, "counting");
    assert_in_range(drawn, 1, 12); /* in some 0.6 s, or a little more on a busy machine */
    assert_null(strstr(screen.text, "] 1 of 800"));
    const char *end = "\r\033[Ktest: note: done\r\n"; /* it is gone before the next line */
    assert_true(screen.size > strlen(end));
    assert_string_equal(screen.text + screen.size - strlen(end), end);
}

static void nothing_is_drawn_elsewhere(void **state) {
    (void)state;
    watch(long_job, "dumb", true, &screen);
    assert_string_equal(screen.text, "test: note: done\r\n");
    watch(long_job, NULL, true, &screen);
    assert_string_equal(screen.text, "test: note: done\r\n");
    watch(quiet_job, "xterm", true, &screen);
    assert_string_equal(screen.text, "test: note: done\r\n");
    watch(long_job, "xterm", false, &screen);
    assert_string_equal(screen.text, "test: note: done\n");
}

/* The line goes before a message, and comes again after it. */
static void messages_do_not_mix_with_the_line(void **state) {
    (void)state;
    watch(talking_job, "xterm", true, &screen);
    const char *message = "\r\033[Ktest: warning: in between\r\n";
    const char *at = strstr(screen.text, message);
    assert_non_null(at);
    assert_true(at > screen.text); /* there had been a line */
    const char *after = at + strlen(message);
    assert_true(*after == 0 || !strncmp(after, "\rtest: counting", 15));
}

static void threads_share_the_line(void **state) {
    (void)state;
    watch(threaded_job, "xterm", true, &screen);
    int drawn = times(screen.text, "\rtest: counting [");
    assert_in_range(drawn, 1, 12);
    assert_int_equal(drawn, times(screen.text, "test: counting"));
    assert_int_equal(drawn + 1, times(screen.text, "\033[K"));
}

static void nothing_is_drawn_after_a_signal(void **state) {
    (void)state;
    watch(interrupted_job, "xterm", true, &screen);
    assert_string_equal(screen.text, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_count_rate_and_time_left),
        cmocka_unit_test(the_line_fits),
        cmocka_unit_test(a_short_job_draws_nothing),
        cmocka_unit_test(a_long_job_draws_from_the_second_second_on),
        cmocka_unit_test(nothing_is_drawn_elsewhere),
        cmocka_unit_test(messages_do_not_mix_with_the_line),
        cmocka_unit_test(threads_share_the_line),
        cmocka_unit_test(nothing_is_drawn_after_a_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
