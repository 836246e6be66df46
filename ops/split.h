// Cutting a tensor along a dimension: the parts are views of it.
#pragma once

#include <entasis/core/ints.h>
#include <entasis/core/operand.h>

namespace entasis {

// A number: parts of as many elements along dim, the last perhaps smaller. A list: parts of these
// sizes, which add up to the dimension's (ValueError).
ENTASIS_API Tensors split(const Tensor& tensor, const Ints& split_size_or_sections, int64_t dim = 0,
                          Location at = {});
ENTASIS_API Tensors split_with_sizes(const Tensor& input, const Ints& split_sizes, int64_t dim = 0,
                                     Location at = {});
// At most `chunks` parts of one size along dim, the last perhaps smaller.
ENTASIS_API Tensors chunk(const Tensor& input, int64_t chunks, int64_t dim = 0, Location at = {});
// A number: so many parts, the first ones larger by one where they cannot be equal. A list: cuts
// before these indices, which are clamped as Python's slices are.
ENTASIS_API Tensors tensor_split(const Tensor& input, const Ints& indices_or_sections,
                                 int64_t dim = 0, Location at = {});
// tensor_split() along the second dimension (of a 1-d tensor: the first), along the first,
// and along the third; a number of parts must divide the size (ValueError).
ENTASIS_API Tensors hsplit(const Tensor& input, const Ints& indices_or_sections, Location at = {});
ENTASIS_API Tensors vsplit(const Tensor& input, const Ints& indices_or_sections, Location at = {});
ENTASIS_API Tensors dsplit(const Tensor& input, const Ints& indices_or_sections, Location at = {});
// One view for each index along dim, without that dimension.
ENTASIS_API Tensors unbind(const Tensor& input, int64_t dim = 0, Location at = {});

}  // namespace entasis
