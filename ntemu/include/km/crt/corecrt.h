/* The newer name of crtdefs.h. */
#include "crtdefs.h"
