// Activations of straight pieces, element by element. Integers and bool give f32 unless said
// otherwise. The gradient at a kink is PyTorch's: 0, but for leaky_relu, prelu and rrelu, which
// have the slope of the left there.
//
// Each has its gradient as a plain function too: <name>_backward(grad_output, input, …) with the
// parameters of the activation.
#pragma once

#include <array>

#include <entasis/core/operand.h>

namespace entasis {

// max(input, 0). Integers keep their dtype; bool raises DtypeError.
ENTASIS_API Tensor relu(const Tensor& input, Location at = {});
// input limited to [0, 6], to [min_val, max_val]. Integers keep their dtype, and the limits are cut
// to integers; bool raises DtypeError. Throws ValueError if min_val > max_val.
ENTASIS_API Tensor relu6(const Tensor& input, Location at = {});
ENTASIS_API Tensor hardtanh(const Tensor& input, double min_val = -1.0, double max_val = 1.0,
                            Location at = {});
// max(input, 0) + negative_slope * min(input, 0).
ENTASIS_API Tensor leaky_relu(const Tensor& input, double negative_slope = 0.01, Location at = {});
// The same with learnt slopes: one, or one for each channel, which dimension 1 counts (He, Zhang,
// Ren & Sun 2015, arXiv:1502.01852). Throws ShapeError, DtypeError if the dtypes differ.
ENTASIS_API Tensor prelu(const Tensor& input, const Tensor& weight, Location at = {});
// The same with random slopes, uniform in [lower, upper] for each element, while training, and
// their mean otherwise (Xu, Wang, Chen & Li 2015, arXiv:1505.00853).
ENTASIS_API Tensor rrelu(const Tensor& input, double lower = 1.0 / 8, double upper = 1.0 / 3,
                         bool training = false, Location at = {});
// A straight line from 0 at -3 to 1 at 3; input times that.
ENTASIS_API Tensor hardsigmoid(const Tensor& input, Location at = {});
ENTASIS_API Tensor hardswish(const Tensor& input, Location at = {});
// input where |input| > lambd, 0 elsewhere.
ENTASIS_API Tensor hardshrink(const Tensor& input, double lambd = 0.5, Location at = {});
// input brought nearer to 0 by lambd, which is not negative (ValueError).
ENTASIS_API Tensor softshrink(const Tensor& input, double lambd = 0.5, Location at = {});
// input where it is above the threshold, value elsewhere. Integers keep their dtype, and both
// numbers are cut to integers; bool raises DtypeError.
ENTASIS_API Tensor threshold(const Tensor& input, double threshold, double value, Location at = {});

// In place; for a negative slope a copy of the input is kept for the gradient.
ENTASIS_API Tensor relu_(Tensor input, Location at = {});
ENTASIS_API Tensor leaky_relu_(Tensor input, double negative_slope = 0.01, Location at = {});
ENTASIS_API Tensor rrelu_(Tensor input, double lower = 1.0 / 8, double upper = 1.0 / 3,
                          bool training = false, Location at = {});
ENTASIS_API Tensor hardtanh_(Tensor input, double min_val = -1.0, double max_val = 1.0,
                             Location at = {});
ENTASIS_API Tensor threshold_(Tensor input, double threshold, double value, Location at = {});

ENTASIS_API Tensor relu_backward(const Tensor& grad_output, const Tensor& input, Location at = {});
ENTASIS_API Tensor relu6_backward(const Tensor& grad_output, const Tensor& input, Location at = {});
ENTASIS_API Tensor hardtanh_backward(const Tensor& grad_output, const Tensor& input,
                                     double min_val = -1.0, double max_val = 1.0, Location at = {});
ENTASIS_API Tensor leaky_relu_backward(const Tensor& grad_output, const Tensor& input,
                                       double negative_slope = 0.01, Location at = {});
struct PreluGradients {
  Tensor input, weight;
  std::array<Tensor, 2> values() const { return {input, weight}; }
};
ENTASIS_API PreluGradients prelu_backward(const Tensor& grad_output, const Tensor& input,
                                          const Tensor& weight, Location at = {});
// `noise` holds the slopes that were drawn.
ENTASIS_API Tensor rrelu_backward(const Tensor& grad_output, const Tensor& input,
                                  const Tensor& noise, Location at = {});
ENTASIS_API Tensor hardsigmoid_backward(const Tensor& grad_output, const Tensor& input,
                                        Location at = {});
ENTASIS_API Tensor hardswish_backward(const Tensor& grad_output, const Tensor& input,
                                      Location at = {});
ENTASIS_API Tensor hardshrink_backward(const Tensor& grad_output, const Tensor& input,
                                       double lambd = 0.5, Location at = {});
ENTASIS_API Tensor softshrink_backward(const Tensor& grad_output, const Tensor& input,
                                       double lambd = 0.5, Location at = {});
ENTASIS_API Tensor threshold_backward(const Tensor& grad_output, const Tensor& input,
                                      double threshold, Location at = {});

}  // namespace entasis
