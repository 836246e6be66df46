// The smallest program that uses Entasis from a project of its own.
#include <iostream>

#include <entasis/entasis.h>

int main() {
  const entasis::Tensor x = entasis::ones({2, 3});
  std::cout << x << '\n';
}
