// What the factories share that take their form from a tensor.
#pragma once

#include <optional>

#include <entasis/core/row.h>

namespace entasis {

// A new tensor, elements unset, in the form of `input` but for what is named otherwise.
Tensor new_tensor_like(const Tensor& input, std::optional<DType> dtype,
                       std::optional<Device> device);

inline constexpr auto kLikeArguments =
    args("input", ArgumentName{"dtype"} = std::nullopt, ArgumentName{"device"} = std::nullopt,
         ArgumentName{"requires_grad"} = false);

}  // namespace entasis
