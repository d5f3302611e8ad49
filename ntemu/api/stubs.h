// What a call of an API that does not exist yet does.
#pragma once

namespace ntemu::api {

// Ends the machine with the name of the API and its caller; set by ke, which has the bugcheck.
extern void (*missing_api)(const char *name, const void *caller);

}  // namespace ntemu::api
