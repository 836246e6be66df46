// Random numbers: seeds, generators, the generator that draws use.
#include <optional>

#include <entasis/core/generator.h>
#include <entasis/python/src/bind.h>

namespace entasis::python {
namespace {

// `with entasis.random.fork(generator):` draws come from it inside.
struct Guard {
  Generator* generator;
  nb::object owner;
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
             return nb::borrow(self);
           })
      .def("initial_seed", &Generator::seed)
      .def("get_state",
           [](const Generator& g) { return nb::make_tuple(g.state().seed, g.state().offset); })
      .def("set_state",
           [](Generator& g, const nb::tuple& state) {
             g.set_state({nb::cast<uint64_t>(state[0]), nb::cast<uint64_t>(state[1])});
           })
      .def("split", &Generator::split, nb::arg("stream"),
           "An independent generator: the same seed and stream give the same numbers.");
  m.def(
      "default_generator", [] { return &default_generator(); }, nb::rv_policy::reference);

  nb::class_<Guard>(m, "use_generator", "Makes the draws of a `with` block come from a generator.")
      .def("__init__",
           [](Guard* self, const nb::object& generator) {
             new (self) Guard{nb::cast<Generator*>(generator), generator, {}};
           })
      .def("__enter__", [](Guard& self) { self.active.emplace(*self.generator); })
      .def("__exit__", [](Guard& self, nb::args) { self.active.reset(); });
}

}  // namespace entasis::python
