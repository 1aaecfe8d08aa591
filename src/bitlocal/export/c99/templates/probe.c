#include "$net.h"
extern const char probe[];
const char probe[$size] = {1};
