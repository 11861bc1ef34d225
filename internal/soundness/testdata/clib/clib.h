#include "sub.h"
#define NUMBER 10
int number(void);
