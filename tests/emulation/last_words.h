// What is told when a test program ends early: the order that it takes to see the failure again.
#pragma once

namespace entasis::emulation {

// From now on `order`, a value of ENTASIS_EMULATION_ORDER, is what print_order() tells. A sanitizer
// that ends the program tells it too.
void note_order(const char* order);
void print_order();

}  // namespace entasis::emulation
