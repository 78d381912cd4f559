/* Signals that end a program: see interrupt.h.
 *
 * A handler may run in any thread, while any other goes on. One word decides between it and a
 * thread that holds: whoever changes it from FREE goes first. So a file is either registered
 * before a handler looks, or not made at all. This is the one place with state of the whole
 * process: a signal handler can be given none.
 */
#include "base/interrupt.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Above 0: the signal that came while another thread (or this one) held. */
enum { OFF = -3, ENDING = -2, HELD = -1, FREE = 0 };

enum { MESSAGE_ROOM = 64 };

static atomic_int state = OFF;
static _Atomic(const char *) unfinished_file;
static char message[MESSAGE_ROOM]; /* written before the first handler can run */

static const int ending_signals[] = {SIGHUP, SIGINT, SIGTERM};
enum { SIGNAL_COUNT = sizeof ending_signals / sizeof *ending_signals };

/* A terminal that was stopped takes nothing: then the message is lost, not the program stuck. */
static void say(void) {
    struct pollfd to = {.fd = STDERR_FILENO, .events = POLLOUT};
    if (poll(&to, 1, 0) != 1 || !(to.revents & POLLOUT)) return;
    ssize_t written = write(STDERR_FILENO, message, strnlen(message, MESSAGE_ROOM));
    (void)written; /* there is nobody left to tell */
}

/* Async-signal-safe. */
static _Noreturn void end(int signal_number) {
    const char *file = atomic_load(&unfinished_file);
    if (file) unlink(file);
    say();
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t all;
    sigemptyset(&all);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(ending_signals[i], &plain, NULL);
        sigaddset(&all, ending_signals[i]);
    }
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    raise(signal_number);
    /* cppcheck-suppress unreachableCode ; raise() is no function that does not return */
    _exit(128 + signal_number);
}

static void on_signal(int signal_number) {
    int seen = atomic_load(&state);
    while (seen == FREE || seen == HELD) {
        int next = seen == FREE ? ENDING : signal_number;
        if (!atomic_compare_exchange_strong(&state, &seen, next)) continue;
        if (next == ENDING) end(signal_number);
        return; /* the holder ends the program */
    }
}

/* On a terminal the message takes the place of "^C" and of a progress bar. */
static void compose(const char *tool) {
    const char *term = getenv("TERM");
    bool erase = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    snprintf(message, sizeof message, "%s%.20s: interrupted\n", erase ? "\r\033[K" : "", tool);
}

void interrupt_install(const char *tool) {
    struct sigaction ours = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, old;
    sigemptyset(&ours.sa_mask);
    for (int i = 0; i < SIGNAL_COUNT; i++) sigaddset(&ours.sa_mask, ending_signals[i]);
    compose(tool);
    atomic_store(&state, FREE);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(ending_signals[i], NULL, &old);
        if (old.sa_handler != SIG_IGN) sigaction(ending_signals[i], &ours, NULL);
    }
    signal(SIGXFSZ, SIG_IGN);
}

void interrupt_hold(void) {
    int seen = FREE;
    while (!atomic_compare_exchange_strong(&state, &seen, HELD)) {
        if (seen == OFF) return;
        pause(); /* another thread is ending the program: nothing new may begin */
        seen = FREE;
    }
}

bool interrupt_came(void) {
    int seen = atomic_load(&state);
    return seen == ENDING || seen > FREE;
}

void interrupt_release(const char *unfinished) {
    int seen = HELD;
    if (atomic_load(&state) == OFF) return;
    atomic_store(&unfinished_file, unfinished);
    if (!atomic_compare_exchange_strong(&state, &seen, FREE)) end(seen);
}
