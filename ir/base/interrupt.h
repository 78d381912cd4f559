/* Ctrl-C and other signals that end a program: nothing unfinished stays behind.
 *
 * SIGINT, SIGTERM and SIGHUP remove the file that is being written, say "interrupted" and end the
 * program by the signal itself, so that a shell sees 130, 143 or 129. They do so at once, wherever
 * the program is: no loop has to ask. A second one ends the program without any of this. Only main
 * programs install this (base/command.h does); without it hold and release do nothing. */
#ifndef NBQ_BASE_INTERRUPT_H
#define NBQ_BASE_INTERRUPT_H

#include <stdbool.h>

/* interrupt.c: once, before threads are started. Signals the caller was started to ignore (nohup)
 * stay ignored. A file that grows over a limit (ulimit -f) becomes an error of write(). */
void interrupt_install(const char *tool);

/* Between hold and release a signal waits for the release: there the world changes together with
 * what has to be cleaned up. One thread at a time, and only for moments.
 * unfinished: the file to remove if a signal comes from now on; NULL: none. The name has to stay
 * until the next release. */
void interrupt_hold(void);
void interrupt_release(const char *unfinished);
/* A signal has come: "interrupted" is, or soon will be, the last that is said. */
bool interrupt_came(void);

#endif
