// The toy as a plugin. TOY_BUILD_ID lets the build make one that does not fit.
#include <entasis_build.h>
#include <entasis/core/plugin.h>

#include "toy.h"

#ifndef TOY_BUILD_ID
#define TOY_BUILD_ID ENTASIS_BUILD_ID
#endif

extern "C" ENTASIS_API const entasis::Plugin entasis_plugin;
const entasis::Plugin entasis_plugin{TOY_BUILD_ID, "toy", &toy::register_all};
