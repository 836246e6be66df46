// Everything that a program needs: tensors, gradients, ops.
#pragma once

#include <entasis/core/autograd.h>
#include <entasis/core/backend.h>
#include <entasis/core/error.h>
#include <entasis/core/generator.h>
#include <entasis/core/tensor.h>
#include <entasis/ops/arithmetic.h>
#include <entasis/ops/checked.h>
#include <entasis/ops/conv.h>
#include <entasis/ops/copy.h>
#include <entasis/ops/dropout.h>
#include <entasis/ops/factory.h>
#include <entasis/ops/indexing.h>
#include <entasis/ops/join.h>
#include <entasis/ops/lookup.h>
#include <entasis/ops/loss.h>
#include <entasis/ops/matmul.h>
#include <entasis/ops/methods.h>
#include <entasis/ops/norm.h>
#include <entasis/ops/pooling.h>
#include <entasis/ops/print.h>
#include <entasis/ops/reduction.h>
#include <entasis/ops/shape.h>
#include <entasis/ops/softmax.h>
#include <entasis/ops/unary.h>
#include <entasis/ops/update.h>
