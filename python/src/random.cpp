// Random numbers: seeds, generators, the generator that draws use.
#include <optional>

#include <entasis/core/generator.h>
#include <entasis/python/src/named.h>

namespace entasis::python {
namespace {

// `with entasis.random.fork(generator):` draws come from it inside.
struct Guard {
  Generator* generator;
  std::optional<GeneratorGuard> active;
};

}  // namespace

void bind_random(nb::module_& m) {
  m.def("manual_seed", &manual_seed, nb::arg("seed"),
        "Seeds the default generators of all devices.");
  nb::class_<Generator>(m, "Generator", "Random numbers by counter: a seed and an offset.")
      .def(nb::init<uint64_t>(), nb::arg("seed") = 0)
      .def("manual_seed",
           [](nb::handle self, uint64_t seed) {
             nb::cast<Generator&>(self).manual_seed(seed);
             return nb::borrow<named::Self>(self);
           })
      .def("initial_seed", &Generator::seed)
      .def("get_state",
           [](const Generator& g) { return std::pair(g.state().seed, g.state().offset); })
      .def(
          "set_state",
          [](Generator& g, std::pair<uint64_t, uint64_t> state) {
            g.set_state({state.first, state.second});
          },
          nb::arg("state"))
      .def("split", &Generator::split, nb::arg("stream"),
           "An independent generator: the same seed and stream give the same numbers.");
  m.def(
      "default_generator", [] { return &default_generator(); }, nb::rv_policy::reference);

  nb::class_<Guard>(m, "use_generator", "Makes the draws of a `with` block come from a generator.")
      .def(
          "__init__",
          [](Guard* self, Generator& generator) {
            new (self) Guard{&generator, {}};
          },
          nb::arg("generator"), nb::keep_alive<1, 2>())
      .def("__enter__", [](Guard& self) { self.active.emplace(*self.generator); })
      .def(
          "__exit__", [](Guard& self, nb::args) { self.active.reset(); },
          nb::sig(named::kExitSignature));
}

}  // namespace entasis::python
