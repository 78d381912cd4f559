/* The devices this build has, in the order --help lists them. */
#include "runtime/emulator.h"

#include <string.h>

static const struct rt_device_ops *const devices[] = {&rt_emulator_ops};

int rt_device_count(void) {
    return (int)(sizeof devices / sizeof *devices);
}

const struct rt_device_ops *rt_device_at(int i) {
    return i >= 0 && i < rt_device_count() ? devices[i] : NULL;
}

const struct rt_device_ops *rt_device_find(const char *name) {
    for (int i = 0; i < rt_device_count(); i++)
        if (strcmp(devices[i]->name, name) == 0) return devices[i];
    return NULL;
}
