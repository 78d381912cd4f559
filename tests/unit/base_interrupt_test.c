/* Signals that end a program, each in a child process of its own: what remains of it, what it said,
 * how it ended. */
#include "test.h"

#include "base/interrupt.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

struct place {
    char folder[64], file[96];
};

static struct place place_new(void) {
    struct place p;
    strcpy(p.folder, "/tmp/nbq-test-XXXXXX");
    assert_non_null(mkdtemp(p.folder));
    snprintf(p.file, sizeof p.file, "%s/out", p.folder);
    return p;
}

static int place_files(const struct place *p) {
    int n = 0;
    DIR *d = opendir(p->folder);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void place_free(const struct place *p) {
    unlink(p->file);
    assert_int_equal(rmdir(p->folder), 0); /* it is empty */
}

static void put(const char *path, const char *text) {
    FILE *f = fopen(path, "w");
    if (!f) _exit(99);
    fputs(text, f);
    fclose(f);
}

/* Runs body in a child whose standard error is kept; the wait status. */
static int in_child(void (*body)(const struct place *), const struct place *p, char *said,
                    size_t room) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20); /* a child that hangs ends by SIGALRM, which no test expects */
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        body(p);
        _exit(0);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t k; (k = read(ends[0], said + n, room - 1 - n)) > 0;) n += (size_t)k;
    said[n] = 0;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void ends_by(int status, int signal_number) {
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), signal_number);
}

static void just_ends(const struct place *p) {
    (void)p;
    interrupt_install("tool");
    raise(SIGINT);
}

static void terminated(const struct place *p) {
    (void)p;
    interrupt_install("tool");
    raise(SIGTERM);
}

static void hung_up(const struct place *p) {
    (void)p;
    interrupt_install("tool");
    raise(SIGHUP);
}

static void a_signal_says_so_and_ends(void **state) {
    (void)state;
    char said[200];
    struct place p = place_new();
    ends_by(in_child(just_ends, &p, said, sizeof said), SIGINT);
    assert_string_equal(said, "tool: interrupted\n");
    ends_by(in_child(terminated, &p, said, sizeof said), SIGTERM);
    assert_string_equal(said, "tool: interrupted\n");
    ends_by(in_child(hung_up, &p, said, sizeof said), SIGHUP);
    place_free(&p);
}

static void ignoring(const struct place *p) {
    signal(SIGINT, SIG_IGN);
    interrupt_install("tool");
    kill(getpid(), SIGINT);
    put(p->file, "went on");
}

static void an_ignored_signal_stays_ignored(void **state) {
    (void)state;
    char said[200];
    struct place p = place_new();
    assert_int_equal(in_child(ignoring, &p, said, sizeof said), 0);
    assert_string_equal(said, "");
    assert_int_equal(place_files(&p), 1);
    place_free(&p);
}

static void unfinished(const struct place *p) {
    interrupt_install("tool");
    interrupt_hold();
    put(p->file, "half");
    interrupt_release(p->file);
    raise(SIGINT);
}

static void finished(const struct place *p) {
    interrupt_install("tool");
    interrupt_hold();
    put(p->file, "half");
    interrupt_release(p->file);
    interrupt_hold();
    interrupt_release(NULL);
    raise(SIGINT);
}

static void while_held(const struct place *p) {
    interrupt_install("tool");
    interrupt_hold();
    kill(getpid(), SIGINT);
    kill(getpid(), SIGTERM); /* the first one counts */
    put(p->file, "half");
    interrupt_release(p->file);
    put(p->file, "not reached");
}

static void an_unfinished_file_goes(void **state) {
    (void)state;
    char said[200];
    struct place p = place_new();
    ends_by(in_child(unfinished, &p, said, sizeof said), SIGINT);
    assert_int_equal(place_files(&p), 0);
    ends_by(in_child(while_held, &p, said, sizeof said), SIGINT);
    assert_string_equal(said, "tool: interrupted\n");
    assert_int_equal(place_files(&p), 0);
    ends_by(in_child(finished, &p, said, sizeof said), SIGINT);
    assert_int_equal(place_files(&p), 1);
    place_free(&p);
}

static void *wait_for_signals(void *unused) {
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    for (;;) pause();
    return unused;
}

/* The signal is another thread's, which this one never sees. */
static void other_thread(bool held, const struct place *p) {
    pthread_t thread;
    sigset_t all;
    sigfillset(&all);
    interrupt_install("tool");
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    pthread_create(&thread, NULL, wait_for_signals, NULL);
    if (held) interrupt_hold();
    kill(getpid(), SIGINT);
    if (held) { /* the handler has come and gone, or comes after the release: both must do */
        poll(NULL, 0, 20);
        put(p->file, "half");
        interrupt_release(p->file);
    }
    for (int n = 0;; n++) {
        interrupt_hold(); /* does not return once the program is ending */
        put(p->file, "half");
        interrupt_release(p->file);
    }
}

static void other_thread_held(const struct place *p) {
    other_thread(true, p);
}

static void other_thread_free(const struct place *p) {
    other_thread(false, p);
}

static void a_signal_of_another_thread_counts(void **state) {
    (void)state;
    char said[200];
    struct place p = place_new();
    for (int n = 0; n < 20; n++) {
        ends_by(in_child(other_thread_held, &p, said, sizeof said), SIGINT);
        assert_int_equal(place_files(&p), 0);
        ends_by(in_child(other_thread_free, &p, said, sizeof said), SIGINT);
        assert_int_equal(place_files(&p), 0);
        assert_string_equal(said, "tool: interrupted\n");
    }
    place_free(&p);
}

static void stuck_message(const struct place *p) {
    int ends[2];
    char many[4096] = "";
    (void)p;
    if (pipe2(ends, O_NONBLOCK) != 0) _exit(98);
    while (write(ends[1], many, sizeof many) > 0) {
    } /* a reader that has stopped */
    fcntl(ends[1], F_SETFL, 0);
    dup2(ends[1], STDERR_FILENO);
    interrupt_install("tool");
    raise(SIGINT);
}

static void a_message_nobody_reads_does_not_wait(void **state) {
    (void)state;
    char said[200];
    struct place p = place_new();
    ends_by(in_child(stuck_message, &p, said, sizeof said), SIGINT);
    place_free(&p);
}

static void without_install(const struct place *p) {
    interrupt_hold();
    put(p->file, "stays");
    interrupt_release(p->file);
    raise(SIGINT);
}

static void a_library_changes_nothing(void **state) {
    (void)state;
    char said[200];
    struct place p = place_new();
    ends_by(in_child(without_install, &p, said, sizeof said), SIGINT);
    assert_string_equal(said, "");
    assert_int_equal(place_files(&p), 1);
    place_free(&p);
}

/* ---- Replacing a file over and over ---- */

enum { ROUNDS = 150, SIZE = 20000, LONGEST_US = 6000 };

static void *spin(void *stop) {
    while (!atomic_load((atomic_bool *)stop)) {
    }
    return NULL;
}

static void replace_for_ever(const struct place *p) {
    static char text[SIZE];
    atomic_bool stop = false;
    pthread_t thread;
    struct ctx c;
    interrupt_install("tool");
    pthread_create(&thread, NULL, spin, &stop);
    ctx_init(&c, "tool", stderr);
    for (char letter = 'a';; letter = letter == 'z' ? 'a' : (char)(letter + 1)) {
        memset(text, letter, sizeof text);
        if (setjmp(c.oom) || !file_replace(&c, p->file, text, sizeof text)) _exit(97);
    }
}

/* One whole text, of one letter. */
static void check_whole(const struct place *p) {
    static char text[SIZE + 1];
    FILE *f = fopen(p->file, "r");
    assert_non_null(f);
    assert_int_equal(fread(text, 1, sizeof text, f), SIZE);
    fclose(f);
    for (int i = 1; i < SIZE; i++) assert_int_equal(text[i], text[0]);
}

static void a_replaced_file_is_whole_at_any_moment(void **state) {
    (void)state;
    struct rng r = {20};
    for (int round = 0; round < ROUNDS; round++) {
        static const int signals[] = {SIGINT, SIGTERM};
        struct place p = place_new();
        int signal_number = signals[round % 2], status;
        put(p.file, "");
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            alarm(20);
            if (!freopen("/dev/null", "w", stderr)) _exit(96);
            replace_for_ever(&p);
        }
        struct stat st = {0};
        while (st.st_size == 0) { /* until it has begun */
            poll(NULL, 0, 1);
            stat(p.file, &st);
        }
        struct timespec pause_for = {.tv_nsec = (long)rng_below(&r, LONGEST_US) * 1000};
        nanosleep(&pause_for, NULL);
        kill(child, signal_number);
        if (round % 3 == 0) kill(child, signal_number); /* in a hurry, as timeout(1) is */
        assert_int_equal(waitpid(child, &status, 0), child);
        ends_by(status, signal_number);
        assert_int_equal(place_files(&p), 1);
        check_whole(&p);
        place_free(&p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_says_so_and_ends),
        cmocka_unit_test(an_ignored_signal_stays_ignored),
        cmocka_unit_test(an_unfinished_file_goes),
        cmocka_unit_test(a_signal_of_another_thread_counts),
        cmocka_unit_test(a_message_nobody_reads_does_not_wait),
        cmocka_unit_test(a_library_changes_nothing),
        cmocka_unit_test(a_replaced_file_is_whole_at_any_moment),
    };
    /* Whoever starts this in the background may have had signals ignored. */
    const int taken[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++) (void)signal(taken[i], SIG_DFL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
