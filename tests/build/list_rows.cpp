// Prints every row with its arguments and defaults, and every op that the library was built with,
// each op with the devices it has a kernel for. A consumer of an installed or static library must
// see the same list as the build tree; tests/matrix/defaults_test.py compares it with the headers.
#include <iostream>

#include <entasis/core/row.h>

namespace {

using entasis::Argument;
using entasis::Default;

void print_default(const Argument& argument) {
  const Default& fallback = argument.fallback;
  switch (fallback.kind) {
    case Default::Kind::kRequired:
      return;
    case Default::Kind::kNone:
      std::cout << " = none";
      return;
    case Default::Kind::kBool:
      std::cout << " = " << (fallback.integer ? "true" : "false");
      return;
    case Default::Kind::kInt:
      std::cout << " = " << fallback.integer;
      return;
    case Default::Kind::kFloat:
      std::cout << " = " << fallback.real;
      return;
    case Default::Kind::kDType:
      std::cout << " = " << name_of(entasis::DType(fallback.integer));
      return;
    case Default::Kind::kEnum:
      std::cout << " = " << argument.type.names[size_t(fallback.integer)];
      return;
    case Default::Kind::kDims:
      std::cout << " = " << to_string(std::get<entasis::Dims>(fallback.value()));
      return;
  }
}

}  // namespace

int main() {
  std::cout.precision(17);
  for (const entasis::Row* row : entasis::all_rows()) {
    std::cout << "row " << row->name << '\n';
    for (const Argument& argument : row->arguments()) {
      std::cout << "  " << argument.name;
      print_default(argument);
      std::cout << '\n';
    }
  }
  for (const entasis::OpInfo* op : entasis::all_ops()) {
    std::cout << "op " << op->name;
    for (const entasis::KernelSlot& kernel : op->kernels) {
      std::cout << ' ' << (kernel.run != nullptr ? "kernel" : "none");
    }
    std::cout << '\n';
  }
}
