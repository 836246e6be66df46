// What CMake's generated list defines: the rows, kernels and backends that the library was built
// with. Nothing registers itself in a static constructor, so nothing is lost from a static archive.
#pragma once

#include <span>

#include <entasis/core/kernels.h>
#include <entasis/core/row.h>

namespace entasis {

std::span<const RowList* const> library_row_lists();
void register_library_kernels_cpu(Kernels& kernels);
void register_library_backends();

// Runs once, at the first use of an op, a row or a device.
void ensure_registered();

}  // namespace entasis
