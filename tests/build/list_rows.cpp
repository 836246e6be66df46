// Prints every row and every op that the library was built with, each op with the devices it has a
// kernel for. A consumer of an installed or static library must see the same list as the tests of
// the build tree.
#include <iostream>

#include <entasis/core/row.h>

int main() {
  for (const entasis::Row* row : entasis::all_rows()) std::cout << "row " << row->name << '\n';
  for (const entasis::OpInfo* op : entasis::all_ops()) {
    std::cout << "op " << op->name;
    for (const entasis::KernelSlot& kernel : op->kernels) {
      std::cout << ' ' << (kernel.run != nullptr ? "kernel" : "none");
    }
    std::cout << '\n';
  }
}
