#include "wdm.h"
