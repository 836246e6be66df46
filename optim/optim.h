// Optimizers.
#pragma once

#include <entasis/optim/adam.h>
#include <entasis/optim/optimizer.h>
#include <entasis/optim/sgd.h>
