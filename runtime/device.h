/* A device runs one device segment after the host has put inputs into DRAM. One vtable for the
 * emulator and what follows it (cycle model, RTL simulation, FPGA). */
#ifndef NBQ_RUNTIME_DEVICE_H
#define NBQ_RUNTIME_DEVICE_H

#include "isa/isa.h"

struct rt_host;

/* A program that passed the loader: decoded, verified. */
struct rt_image {
    struct svpe_program *program;
    struct rt_host *host;
    struct svpe_machine machine;
    struct svpe_insn *insns; /* all segments */
    int insn_count;
    int *segment_first; /* of each segment, then insn_count; host segments are empty */
};

struct rt_device_ops;
struct rt_device { /* first member of each device's own struct */
    const struct rt_device_ops *ops;
};
struct rt_device_ops {
    const char *name, *meaning;
    /* NULL after saying why. Memory from a. */
    struct rt_device *(*open)(struct ctx *c, struct arena *a, const struct rt_image *image);
    /* Host pointer to a DRAM region of this device: in, out and work, written and read between
     * segments; NULL for the others. */
    uint8_t *(*region)(struct rt_device *d, enum svpe_region r);
    bool (*run)(struct rt_device *d, int segment); /* false: *error set */
    const char *(*error)(const struct rt_device *d);
    void (*close)(struct rt_device *d);
};
/* device.c */
const struct rt_device_ops *rt_device_find(const char *name); /* NULL: unknown */
int rt_device_count(void);
const struct rt_device_ops *rt_device_at(int i);

/* loader.c: structure, every instruction, token order. NULL after saying section or instruction
 * and what was expected. */
struct rt_image *rt_image_load(struct ctx *c, struct arena *a, const char *file,
                               const uint8_t *bytes, size_t size);

#endif
