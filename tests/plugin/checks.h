// What every kind of host checks once the toy is registered.
#pragma once

// Null if all is well, else what is wrong.
const char* check_toy();
