// Visibility: everything is hidden unless it carries ENTASIS_API.
#pragma once

#define ENTASIS_API __attribute__((visibility("default")))
