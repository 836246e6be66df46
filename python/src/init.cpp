// Initialisers of weights, as entasis.nn.init names them.
#include <string>

#include <entasis/nn/init.h>
#include <entasis/python/src/named.h>

namespace entasis::python {
namespace {

namespace init = nn::init;

init::Nonlinearity nonlinearity_of(const std::string& name) {
  if (name == "linear" || name == "conv2d") return init::Nonlinearity::kLinear;
  if (name == "sigmoid") return init::Nonlinearity::kSigmoid;
  if (name == "tanh") return init::Nonlinearity::kTanh;
  if (name == "relu") return init::Nonlinearity::kReLU;
  if (name == "leaky_relu") return init::Nonlinearity::kLeakyReLU;
  if (name == "selu") return init::Nonlinearity::kSELU;
  throw ValueError("no gain is known for the nonlinearity '" + name + "'", Location::deferred());
}

init::KaimingOptions kaiming(double a, const std::string& mode, const std::string& nonlinearity) {
  if (mode != "fan_in" && mode != "fan_out") {
    throw ValueError("mode must be 'fan_in' or 'fan_out', not '" + mode + "'",
                     Location::deferred());
  }
  return {.a = a,
          .mode = mode == "fan_in" ? init::FanMode::kFanIn : init::FanMode::kFanOut,
          .nonlinearity = nonlinearity_of(nonlinearity)};
}

using Initialiser = Tensor (*)(Tensor, Location);
using Kaiming = Tensor (*)(Tensor, const init::KaimingOptions&, Location);
using Xavier = Tensor (*)(Tensor, double, Location);
using Range = Tensor (*)(Tensor, double, double, Location);

// Each returns the object that it was given.
template <Initialiser F>
named::Tensor simple(const named::Tensor& tensor) {
  F(nb::cast<Tensor>(tensor), Location::deferred());
  return tensor;
}
template <Kaiming F>
named::Tensor by_kaiming(const named::Tensor& tensor, double a, const std::string& mode,
                         const std::string& nonlinearity) {
  F(nb::cast<Tensor>(tensor), kaiming(a, mode, nonlinearity), Location::deferred());
  return tensor;
}
template <Xavier F>
named::Tensor by_xavier(const named::Tensor& tensor, double gain) {
  F(nb::cast<Tensor>(tensor), gain, Location::deferred());
  return tensor;
}
template <Range F>
named::Tensor by_range(const named::Tensor& tensor, double a, double b) {
  F(nb::cast<Tensor>(tensor), a, b, Location::deferred());
  return tensor;
}

}  // namespace

void bind_init(nb::module_& m) {
  m.def("_init_uniform_", &by_range<&init::uniform_>, nb::arg("tensor"), nb::arg("a") = 0.0,
        nb::arg("b") = 1.0);
  m.def("_init_normal_", &by_range<&init::normal_>, nb::arg("tensor"), nb::arg("mean") = 0.0,
        nb::arg("std") = 1.0);
  m.def("_init_constant_", &by_xavier<&init::constant_>, nb::arg("tensor"), nb::arg("val"));
  m.def("_init_zeros_", &simple<&init::zeros_>, nb::arg("tensor"));
  m.def("_init_ones_", &simple<&init::ones_>, nb::arg("tensor"));
  m.def("_init_kaiming_uniform_", &by_kaiming<&init::kaiming_uniform_>, nb::arg("tensor"),
        nb::arg("a") = 0.0, nb::arg("mode") = "fan_in", nb::arg("nonlinearity") = "leaky_relu");
  m.def("_init_kaiming_normal_", &by_kaiming<&init::kaiming_normal_>, nb::arg("tensor"),
        nb::arg("a") = 0.0, nb::arg("mode") = "fan_in", nb::arg("nonlinearity") = "leaky_relu");
  m.def("_init_xavier_uniform_", &by_xavier<&init::xavier_uniform_>, nb::arg("tensor"),
        nb::arg("gain") = 1.0);
  m.def("_init_xavier_normal_", &by_xavier<&init::xavier_normal_>, nb::arg("tensor"),
        nb::arg("gain") = 1.0);
  m.def(
      "_init_calculate_gain",
      [](const std::string& nonlinearity, double param) {
        return init::gain_of(nonlinearity_of(nonlinearity), param);
      },
      nb::arg("nonlinearity"), nb::arg("param") = 0.01);
  m.def("_init_fans", [](const Tensor& tensor) {
    const init::Fans fans = init::fans_of(tensor, Location::deferred());
    return std::pair(fans.in, fans.out);
  });
}

}  // namespace entasis::python
