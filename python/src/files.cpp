// Files of weights, and labelled images batch by batch.
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <nanobind/stl/map.h>
#include <nanobind/stl/tuple.h>

#include <entasis/data/digits.h>
#include <entasis/data/idx.h>
#include <entasis/data/loader.h>
#include <entasis/io/safetensors.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

named::TensorDict tensors_of(const io::Safetensors& file) {
  named::TensorDict tensors;
  for (const auto& [name, tensor] : file.tensors) tensors[name.c_str()] = to_object(tensor);
  return tensors;
}

io::Safetensors load(const std::string& path, bool map) {
  const nb::gil_scoped_release release;
  return io::load_safetensors(path, map ? io::LoadMode::kMap : io::LoadMode::kCopy);
}

void save(const std::string& path, const named::TensorDict& tensors, const io::Metadata& metadata) {
  NamedTensors named;
  for (const auto& [name, tensor] : tensors) {
    named.add(nb::cast<std::string>(name), nb::cast<Tensor>(tensor), Location::deferred());
  }
  const nb::gil_scoped_release release;
  io::save_safetensors(path, named, metadata, Location::deferred());
}

// A loader and the images that it hands out.
struct ImageLoader {
  std::shared_ptr<const data::ImageSplit> split;
  std::optional<data::Loader> loader;

  ImageLoader(std::shared_ptr<const data::ImageSplit> images, bool train,
              const data::LoaderOptions& options)
      : split(std::move(images)) {
    loader.emplace(train ? split->train : split->test, options, Location::deferred());
  }
};

struct Images {
  std::shared_ptr<const data::ImageSplit> split;
};

std::pair<Tensor, Tensor> next_batch(ImageLoader& self) {
  std::optional<data::Batch> batch = self.loader->next();
  if (!batch) throw nb::stop_iteration();
  return {batch->images, batch->labels};
}

}  // namespace

void bind_files(nb::module_& m) {
  m.def("_load_safetensors", [](const std::string& path, bool map) {
    const io::Safetensors file = load(path, map);
    return std::pair(tensors_of(file), file.metadata);
  });
  m.def("_save_safetensors", &save);

  nb::class_<Images>(m, "ImageSplit",
                     "Labelled images, those to train with and those to test with.")
      .def_prop_ro("train_count", [](const Images& i) { return i.split->train.count; })
      .def_prop_ro("test_count", [](const Images& i) { return i.split->test.count; })
      .def_prop_ro("shape", [](const Images& i) {
        const data::ImageDataset& d = i.split->train;
        return std::tuple(d.channels, d.height, d.width);
      });
  m.def(
      "load_digits",
      [](const std::string& path) {
        return Images{std::make_shared<data::ImageSplit>(data::load_digits(path))};
      },
      nb::arg("path"), "Reads digits.csv, plain or gzip: the UCI optical digits.");
  m.def(
      "load_mnist",
      [](const std::string& folder) {
        return Images{std::make_shared<data::ImageSplit>(data::load_mnist(folder))};
      },
      nb::arg("folder"), "Reads MNIST's four IDX files, plain or gzip.");

  nb::class_<ImageLoader>(m, "Loader",
                          "Batches of images and labels, in an order of each epoch's own. Walking "
                          "over it gives one epoch.")
      .def(
          "__init__",
          [](ImageLoader* self, const Images& images, bool train, int64_t batch_size, bool shuffle,
             uint64_t seed) {
            const data::PixelScale scale = data::measure_pixels(images.split->train);
            new (self) ImageLoader(
                images.split, train,
                {.batch_size = batch_size, .shuffle = shuffle, .seed = seed, .scale = scale});
          },
          nb::arg("images"), nb::arg("train") = true, nb::arg("batch_size") = 64,
          nb::arg("shuffle") = false, nb::arg("seed") = 0)
      .def(
          "begin_epoch",
          [](ImageLoader& self, int64_t epoch, int64_t position) {
            self.loader->begin_epoch(epoch, position, Location::deferred());
          },
          nb::arg("epoch"), nb::arg("position") = 0)
      .def("__len__", [](const ImageLoader& self) { return self.loader->batches(); })
      .def("__iter__", [](nb::handle self) { return nb::borrow<named::Self>(self); })
      .def("__next__", &next_batch);
}

}  // namespace entasis::python
