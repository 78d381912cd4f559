/* Runs a command and prints the most anonymous memory it was seen to have, in bytes: what it
 * allocated, without the files it maps. Linux: the line RssAnon of /proc/PID/status, read over and
 * over, as fast as it goes. Exits as the command does.
 *
 *     peak COMMAND [ARGUMENT]…
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0 when there is none: the process has ended, or has not begun. */
static long anonymous(int fd) {
    char text[4096];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    const char *line = strstr(text, "RssAnon:");
    return line ? 1024 * strtol(line + strlen("RssAnon:"), NULL, 10) : 0;
}

static int watch(pid_t child) {
    char path[64];
    long most = 0;
    int status = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)child);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (waitpid(child, &status, WNOHANG) == 0) {
        long now = anonymous(fd);
        most = now > most ? now : most;
    }
    close(fd);
    printf("%ld\n", most);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        fputs("peak COMMAND [ARGUMENT]...\n", stderr);
        return 2;
    }
    pid_t child = fork();
    if (child < 0) return 2;
    if (child > 0) return watch(child);
    dup2(STDERR_FILENO, STDOUT_FILENO); /* the number stands alone on standard output */
    execvp(argv[1], argv + 1);
    _exit(127);
}
