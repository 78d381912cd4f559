/* Runs a command and prints the most anonymous memory it ever had, in bytes: what it allocated,
 * without the files it maps. Linux: RssAnon and VmSwap of /proc/PID/status.
 *
 * A process gives memory back in system calls alone, so the most it has is there whenever one
 * begins. This stops every thread there, by ptrace(), and reads. What is missed is what other
 * threads take between that reading and the call, and what the kernel counts late: some hundred
 * kilobytes a thread. Exits as the command does.
 *
 *     peak COMMAND [ARGUMENT]…
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static long kilobytes(const char *text, const char *name) {
    const char *line = strstr(text, name);
    return line ? strtol(line + strlen(name), NULL, 10) : 0;
}

/* 0 when there is none: the process has ended. */
static long anonymous(int fd) {
    char text[4096];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return 1024 * (kilobytes(text, "RssAnon:") + kilobytes(text, "VmSwap:"));
}

/* The signal a stopped thread is to get: none for stops that are of ptrace() itself. */
static int signal_of(int status) {
    int stop = WSTOPSIG(status);
    bool ours = status >> 16 || stop == SIGSTOP || (stop & ~0x80) == SIGTRAP;
    return ours ? 0 : stop;
}

static int watch(pid_t child) {
    char path[64];
    long most = 0;
    int status, end = 0;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)child);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) return 2;
    if (ptrace(PTRACE_SETOPTIONS, child, NULL, options)) return 2;
    for (pid_t who = child; who > 0; who = waitpid(-1, &status, __WALL)) {
        if (!WIFSTOPPED(status)) {
            if (who == child) end = status;
            continue;
        }
        long now = anonymous(fd);
        most = now > most ? now : most;
        ptrace(PTRACE_SYSCALL, who, NULL, (long)signal_of(status));
    }
    close(fd);
    printf("%ld\n", most);
    return WIFEXITED(end) ? WEXITSTATUS(end) : 128 + WTERMSIG(end);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fputs("peak COMMAND [ARGUMENT]...\n", stderr);
        return 2;
    }
    pid_t child = fork();
    if (child < 0) return 2;
    if (child > 0) return watch(child);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL)) _exit(126); /* watch() finds it ended */
    kill(getpid(), SIGSTOP);
    dup2(STDERR_FILENO, STDOUT_FILENO); /* the number stands alone on standard output */
    execvp(argv[1], argv + 1);
    _exit(127);
}
