#include "ntstrsafe.h"
