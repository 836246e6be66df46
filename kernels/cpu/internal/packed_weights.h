// Weights as matrix products like to read them, kept while their values stay: in inference, when
// gradients are accumulated, where a layer is used several times in a step.
//
// A weight is packed the second time that it is used with the same values, so that training, which
// changes them after one use, packs nothing in vain. Values are the same as long as the storage
// counts no write; storages whose address is known outside are left alone. Packed matrices go with
// their storage or when its values change; together they take at most ENTASIS_PACKED_WEIGHTS_MB
// (256 unless set; 0 keeps nothing), and while that is used up no more are made.
#pragma once

#include <cstdint>

#include <entasis/core/dtype.h>
#include <entasis/core/storage.h>

namespace entasis::cpu {

// How a product reads a matrix from a storage, and what it is packed to.
struct PackedForm {
  const void* data = nullptr;
  DType dtype = kF32;
  int64_t k = 0, n = 0;
  int64_t row_stride = 0, column_stride = 0;
  int64_t bytes = 0;  // when packed
  bool operator==(const PackedForm&) const = default;
};

using PackWeight = void (*)(const void* argument, void* to);

// The packed matrix, or null if there is none to use. `pack(argument, to)` makes it.
Ref<Storage> packed_weight(Storage& weight, const PackedForm& form, PackWeight pack,
                           const void* argument);

}  // namespace entasis::cpu
