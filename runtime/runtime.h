/* What the files of runtime/ share and the public header does not show. */
#ifndef NBQ_RUNTIME_RUNTIME_H
#define NBQ_RUNTIME_RUNTIME_H

#include "runtime/device.h"
#include "runtime/diag.h"

/* Most memory that a loaded program may take: regions, on-chip buffers (accumulators at 8 bytes
 * each) and what the largest host operator works on. */
#define RT_MEMORY_LIMIT ((uint64_t)2 << 30)

/* loader.c: `FILE: segment 0, instruction 12 (conv, layer "Conv_3")`, in arena a. */
const char *rt_insn_where(struct arena *a, const char *file, const struct rt_image *image,
                          int insn);

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

/* tensor.c: tensors in DRAM and in the model's order of elements (C×H×W, N = 1). */
size_t rt_tensor_elements(const struct svpe_tensor *t);
struct rt_tensor_at { /* a tensor of an image and the memory of its region */
    const struct svpe_tensor *tensor;
    uint8_t *region;
    int lanes, act_bits;
};
void rt_read_floats(struct rt_tensor_at t, float *out);
void rt_write_floats(struct rt_tensor_at t,
                     const float *in); /* ties to even, then saturation; tails get zero */
void rt_read_stored(struct rt_tensor_at t, int16_t *out);       /* not PLAIN */
void rt_write_stored(struct rt_tensor_at t, const int16_t *in); /* not PLAIN */

/* host.c: operators between device segments. */
bool rt_check_host(struct ctx *c, const char *where, const struct rt_image *image, int segment);
size_t rt_host_scratch(const struct rt_image *image); /* floats, of the largest host operator */
struct rt_host_call {
    const struct rt_image *image;
    int segment;
    struct rt_device *device;
    float *scratch;
};
void rt_host_run(const struct rt_host_call *call);
struct rt_tensor_at rt_tensor_of(const struct rt_image *image, struct rt_device *d, int tensor);

#endif
