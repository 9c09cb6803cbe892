/* A libcuda.so.1 that answers what the environment says: STUB_INIT (cuInit's status), STUB_CUDA (12040 is
   12.4) and STUB_GPUS ("8.6,9.0": a compute capability for each GPU). Whatever else MXNet and the CUDA runtime
   look for finds no device. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int number(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

static const char *capability(int device) {
    const char *text = getenv("STUB_GPUS");
    for (; text && device; device--) {
        text = strchr(text, ',');
        if (text) text++;
    }
    return text && *text ? text : NULL;
}

int cuInit(unsigned flags) { return number("STUB_INIT", 0); }

int cuDriverGetVersion(int *version) {
    *version = number("STUB_CUDA", 12040);
    return 0;
}

int cuDeviceGetCount(int *count) {
    for (*count = 0; capability(*count); ++*count) {}
    return 0;
}

int cuDeviceGet(int *device, int ordinal) {
    *device = ordinal;
    return capability(ordinal) ? 0 : 101;
}

int cuDeviceGetName(char *name, int length, int device) {
    snprintf(name, length, "Stub %d", device);
    return 0;
}

int cuDeviceGetAttribute(int *value, int attribute, int device) {
    int major = 0, minor = 0;
    sscanf(capability(device), "%d.%d", &major, &minor);
    *value = attribute == 75 ? major : attribute == 76 ? minor : -1;
    return 0;
}

int cuGetErrorString(int status, const char **text) {
    *text = status == 100 ? "no CUDA-capable device is detected" : NULL;
    return *text ? 0 : 1;
}

static int no_device(void) { return 100; }

int cuGetProcAddress(const char *name, void **function, int version, unsigned long flags) {
    *function = dlsym(RTLD_DEFAULT, name);
    if (!*function) *function = (void *)no_device;
    return 0;
}

int cuGetExportTable(const void **table, const void *id) { return 100; }
int cuDevicePrimaryCtxRetain(void) { return 100; }
int cuGraphKernelNodeGetParams(void) { return 100; }
int cuGraphNodeGetType(void) { return 100; }
int cuLaunchKernel(void) { return 100; }
int cuModuleGetFunction(void) { return 100; }
int cuModuleLoadData(void) { return 100; }
int cuModuleLoadDataEx(void) { return 100; }
int cuModuleUnload(void) { return 100; }
