#include "clib.h"

int number(void) { return NUMBER + 10; }
