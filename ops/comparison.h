// Comparisons, element by element, which give bool tensors and have no gradient; of floating-point
// numbers up to a tolerance; of whole tensors.
#pragma once

#include <entasis/core/operand.h>

namespace entasis {

// Anything compared with NaN is false, except by ne.
ENTASIS_API Tensor eq(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor ne(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor lt(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor le(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor gt(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor ge(const Operand& input, const Operand& other, Location at = {});

// In place: 0 and 1 in input's dtype.
ENTASIS_API Tensor eq_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor ne_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor lt_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor le_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor gt_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor ge_(Tensor input, const Operand& other, Location at = {});

// The same by their long names.
ENTASIS_API Tensor not_equal(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor less(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor less_equal(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor greater(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor greater_equal(const Operand& input, const Operand& other, Location at = {});
ENTASIS_API Tensor not_equal_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor less_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor less_equal_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor greater_(Tensor input, const Operand& other, Location at = {});
ENTASIS_API Tensor greater_equal_(Tensor input, const Operand& other, Location at = {});

// Whether |input - other| <= atol + |rtol * other|, element by element, after broadcasting. Equal
// infinities are close; NaN is close to NaN if `equal_nan`. The dtypes must be the same
// (DtypeError), the tolerances not negative (ValueError).
ENTASIS_API Tensor isclose(const Tensor& input, const Tensor& other, double rtol = 1e-5,
                           double atol = 1e-8, bool equal_nan = false, Location at = {});
// Whether all elements are close. Waits for the device.
ENTASIS_API bool allclose(const Tensor& input, const Tensor& other, double rtol = 1e-5,
                          double atol = 1e-8, bool equal_nan = false, Location at = {});
// Whether both have the same shape and equal elements. Waits for the device.
ENTASIS_API bool equal(const Tensor& input, const Tensor& other, Location at = {});

inline Tensor operator==(In a, In b) { return eq(a, b, a.at); }
inline Tensor operator!=(In a, In b) { return ne(a, b, a.at); }
inline Tensor operator<(In a, In b) { return lt(a, b, a.at); }
inline Tensor operator<=(In a, In b) { return le(a, b, a.at); }
inline Tensor operator>(In a, In b) { return gt(a, b, a.at); }
inline Tensor operator>=(In a, In b) { return ge(a, b, a.at); }

}  // namespace entasis
