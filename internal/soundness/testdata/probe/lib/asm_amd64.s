#include "textflag.h"
#include "local.h"
#include "body.h"
