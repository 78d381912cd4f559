/* A loop over threads. */
#include "runtime/pool.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MAX_THREADS = 1024 };

struct pool {
    rt_work_fn *work;
    void *user;
    long count;
    atomic_long next;
    atomic_bool failed;
};

struct worker {
    struct pool *pool;
    int number;
    pthread_t thread;
};

static void *run_worker(void *arg) {
    struct worker *w = arg;
    struct pool *p = w->pool;
    while (!atomic_load(&p->failed)) {
        long index = atomic_fetch_add(&p->next, 1);
        if (index >= p->count) break;
        if (!p->work(p->user, w->number, index)) atomic_store(&p->failed, true);
    }
    return NULL;
}

bool rt_parallel(int threads, long count, rt_work_fn *work, void *user) {
    struct pool p = {.work = work, .user = user, .count = count};
    struct worker workers[MAX_THREADS];
    int started = 1;
    if (threads > MAX_THREADS) threads = MAX_THREADS;
    for (int n = 0; n < threads; n++) workers[n] = (struct worker){.pool = &p, .number = n};
    while (started < threads &&
           pthread_create(&workers[started].thread, NULL, run_worker, &workers[started]) == 0)
        started++;
    if (threads > 0) run_worker(&workers[0]);
    for (int n = 1; n < started; n++) pthread_join(workers[n].thread, NULL);
    return !atomic_load(&p.failed);
}
