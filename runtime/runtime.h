/* What the files of runtime/ share and the public header does not show. */
#ifndef NBQ_RUNTIME_RUNTIME_H
#define NBQ_RUNTIME_RUNTIME_H

#include "base/ops/ops.h"
#include "runtime/device.h"
#include "runtime/diag.h"
#include "runtime/nbq.h"

/* Most memory that a loaded program may take: regions, on-chip buffers (accumulators at 8 bytes
 * each), the values of host nodes; and what their operators take for themselves while they run. */
#define RT_MEMORY_LIMIT ((uint64_t)2 << 30)
/* What there has to be left of it for operators of the host. */
#define RT_HOST_SCRATCH ((uint64_t)1 << 20)

/* loader.c: `FILE: segment 0, instruction 12 (conv, layer "Conv_3")`, in arena a. */
const char *rt_insn_where(struct arena *a, const char *file, const struct rt_image *image,
                          int insn);

/* The host nodes of a program: read-only once they are loaded. */
struct rt_host {
    struct ir_node *nodes;
    struct ir_value *values; /* by id */
    int node_count, value_count;
    uint64_t *at;     /* by value: its place in a session's room; constants have none */
    int *read_at;     /* by value: the node before which it is read from its tensor; −1: none */
    uint64_t room;    /* bytes, of all values */
    uint64_t scratch; /* most bytes that an operator may take for itself */
};

/* contents.c: follows what ld.wgt and ld.par bring, in the stream's order, and checks every
 * weight code, channel parameter and table entry that an instruction will use. False after
 * saying the first fault. */
bool rt_check_contents(struct ctx *c, struct arena *a, const char *file,
                       const struct rt_image *image);

/* ports.c: whether the cycles of each micro-instruction of a verified instruction suffice for what
 * it takes from and puts into the target's buffers, counted address by address. */
struct rt_port_fault {
    enum svpe_uop_kind kind;
    const char *port;
    int64_t uses, per_cycle, cycles;
};
struct rt_ports;
/* ports: m's target; for tests, another one. */
struct rt_ports *rt_ports_new(struct arena *a, const struct svpe_machine *m,
                              const struct svpe_target *ports);
/* False: *fault is the first one. */
bool rt_check_ports(struct rt_ports *p, const struct svpe_insn *i, struct rt_port_fault *fault);

/* tensor.c: tensors in DRAM and in the model's order of elements. */
size_t rt_tensor_elements(const struct svpe_tensor *t);
struct rt_tensor_at { /* a tensor of an image and the memory of its region */
    const struct svpe_tensor *tensor;
    uint8_t *region;
    int lanes, act_bits;
};
/* Elements of the tensor's type where it is PLAIN, else floats. On the way into stored integers:
 * ties to even, then saturation; tails get zero. */
void rt_read_values(struct rt_tensor_at t, void *out);
void rt_write_values(struct rt_tensor_at t, const void *in);
void rt_read_floats(struct rt_tensor_at t, float *out);         /* of any type, the nearest */
void rt_read_stored(struct rt_tensor_at t, int16_t *out);       /* not PLAIN */
void rt_write_stored(struct rt_tensor_at t, const int16_t *in); /* not PLAIN */

/* host_load.c: NULL after saying what is wrong. memory: the room is for the caller to count. */
struct rt_host *rt_host_load(struct ctx *c, struct arena *a, const char *file,
                             const struct svpe_program *p);
/* host.c: what the nodes of one session work on; the nodes of a segment, on a device. A status
 * other than NBQ_OK comes with a text. */
struct rt_host_state;
struct rt_host_state *rt_host_open(struct arena *a, const struct rt_image *image);
enum nbq_status rt_host_run(struct rt_host_state *s, struct rt_device *d, int segment, char *error,
                            size_t room);
struct rt_tensor_at rt_tensor_of(const struct rt_image *image, struct rt_device *d, int tensor);

#endif
