// A taste of Entasis, as the README shows it: a network learns to multiply two numbers.
#include <iostream>

#include <entasis/entasis.h>

using namespace entasis;

struct Mlp : nn::Module {
  nn::Sub<nn::Linear> fc1{*this, "fc1", 2, 32};
  nn::Sub<nn::Linear> fc2{*this, "fc2", 32, 1};
  Tensor forward(const Tensor& x) override { return fc2(tanh(fc1(x))); }
};

int main() {
  manual_seed(1);
  const Tensor x = rand({512, 2}) * 2 - 1;
  const Tensor y = (x.select(1, 0) * x.select(1, 1)).unsqueeze(1);
  Mlp model;
  optim::AdamW optimizer(model.parameters(), {.lr = 0.01});
  for (int step = 0; step <= 1000; ++step) {
    const Tensor loss = mse_loss(model(x), y);
    if (step % 250 == 0) std::cout << "step " << step << ": loss " << loss.item() << "\n";
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  }
  const NoGrad no_grad;
  std::cout << "0.5 x 0.8 = " << model(from_data({0.5, 0.8}, {1, 2})) << "\n";
}
