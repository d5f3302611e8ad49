// The list of drivers of a program that has none; in a file of its own, so that nobody takes its length for that of
// others.
extern "C" __attribute__((weak)) const char *const ntemu_test_drivers[];
const char *const ntemu_test_drivers[] = {nullptr};
