// Statistics over any dimensions of a float tensor, for kernels that normalise. Results are in
// double, one for each output, dense row-major over the dimensions that stay.
#pragma once

#include <entasis/core/tensor.h>
#include <entasis/ops/reduction_internal.h>

namespace entasis::cpu {

// The largest elements, infinite for none.
void reduce_maxima(const Tensor& in, DimMask dims, double* maxima);
void reduce_means(const Tensor& in, DimMask dims, double* means);
// Sums of squared distances from the centres.
void reduce_deviations(const Tensor& in, DimMask dims, const double* centres, double* sums);

}  // namespace entasis::cpu
