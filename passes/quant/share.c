/* Work shared between threads. */
#include "passes/quant/quant.h"

#include <pthread.h>

struct part {
    quant_part_fn *work;
    void *user;
    int first, step;
    pthread_t thread;
    bool started;
};

static void *part_main(void *object) {
    struct part *p = object;
    p->work(p->user, p->first, p->step);
    return NULL;
}

void quant_share(struct arena *a, int threads, quant_part_fn *work, void *user) {
    int count = threads < 1 ? 1 : threads;
    struct part *parts = arena_array(a, (size_t)count, sizeof *parts);
    for (int i = 0; i < count; i++) {
        struct part *p = &parts[i];
        *p = (struct part){.work = work, .user = user, .first = i, .step = count};
        p->started = i > 0 && !pthread_create(&p->thread, NULL, part_main, p);
    }
    for (int i = 0; i < count; i++)
        if (!parts[i].started) part_main(&parts[i]);
    for (int i = 0; i < count; i++)
        if (parts[i].started) pthread_join(parts[i].thread, NULL);
}
