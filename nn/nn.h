// Modules, losses and initialisers.
#pragma once

#include <entasis/nn/activation.h>
#include <entasis/nn/container.h>
#include <entasis/nn/conv.h>
#include <entasis/nn/dropout.h>
#include <entasis/nn/embedding.h>
#include <entasis/nn/init.h>
#include <entasis/nn/linear.h>
#include <entasis/nn/loss.h>
#include <entasis/nn/module.h>
#include <entasis/nn/norm.h>
#include <entasis/nn/pooling.h>
