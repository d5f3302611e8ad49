#include "ntstatus.h"
