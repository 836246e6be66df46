// CUDA devices: what is there, memory, streams, events and graphs. entasis/cuda.py gives them the
// names of torch.cuda.
#include <optional>
#include <string>
#include <utility>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>

#include <entasis/core/backend.h>
#include <entasis/core/cuda_graph.h>
#include <entasis/core/error.h>
#include <entasis/core/stream.h>
#include <entasis/python/src/named.h>
#include <entasis/python/src/values.h>

namespace entasis::python {
namespace {

using Unlocked = nb::call_guard<nb::gil_scoped_release>;

// `with entasis.cuda.stream(s):` work of the thread goes to it inside.
struct StreamScope {
  Stream stream;
  std::optional<StreamGuard> active;
};

// `with entasis.cuda.device(1):` makes it the current one inside.
struct DeviceScope {
  std::optional<Device> device;
  std::optional<DeviceGuard> active;
};

// PyTorch's rule: a negative index asks for no change.
bool is_negative(nb::handle device) {
  int index = 0;
  return nb::try_cast(device, index) && index < 0;
}

// A value of Python's None stands for the current stream.
Stream stream_or_current(const std::optional<Stream>& stream, Device device) {
  return stream ? *stream : Stream::current(device);
}

// An event that is made when it is first recorded, on the stream's device, as PyTorch's.
struct LazyEvent {
  bool enable_timing;
  std::optional<Event> event;

  Event& made(const char* use) {
    if (!event) throw ValueError(std::string(use) + ": the event was never recorded");
    return *event;
  }
};

// Throws DeviceError that says what is missing.
Backend& cuda() { return backend_of(DeviceType::kCUDA); }

nb::dict versions() {
  nb::dict found;
  for (const auto& [name, version] : cuda().versions()) {
    found[nb::str(name.c_str())] = nb::str(version.c_str());
  }
  return found;
}

void bind_properties(nb::module_& m) {
  nb::class_<DeviceProperties>(m, "_CudaDeviceProperties", "What a device is.")
      .def_ro("name", &DeviceProperties::name)
      .def_ro("major", &DeviceProperties::major)
      .def_ro("minor", &DeviceProperties::minor)
      .def_ro("total_memory", &DeviceProperties::memory_bytes)
      .def_ro("multi_processor_count", &DeviceProperties::compute_units)
      .def_ro("L2_cache_size", &DeviceProperties::l2_cache_bytes)
      .def_ro("shared_memory_per_block_optin", &DeviceProperties::shared_bytes_per_block)
      .def("__repr__", [](const DeviceProperties& p) {
        return "_CudaDeviceProperties(name='" + p.name + "', major=" + std::to_string(p.major) +
               ", minor=" + std::to_string(p.minor) +
               ", total_memory=" + std::to_string(p.memory_bytes >> 20) +
               "MB, multi_processor_count=" + std::to_string(p.compute_units) +
               ", L2_cache_size=" + std::to_string(p.l2_cache_bytes >> 20) + "MB)";
      });
  m.def("_cuda_is_available", [] { return device_count(DeviceType::kCUDA) > 0; });
  m.def("_cuda_device_count", [] { return device_count(DeviceType::kCUDA); });
  m.def(
      "_cuda_why_not_available", [] { return why_no_device(DeviceType::kCUDA); },
      "Why there is no CUDA device, in one line; empty if there is one.");
  m.def(
      "_cuda_get_device_name",
      [](const named::CudaDeviceLike& device) {
        return cuda().properties(cuda_device_of_object(device).index).name;
      },
      nb::arg("device") = nb::none());
  m.def(
      "_cuda_get_device_capability",
      [](const named::CudaDeviceLike& device) {
        const DeviceProperties found = cuda().properties(cuda_device_of_object(device).index);
        return std::pair(found.major, found.minor);
      },
      nb::arg("device") = nb::none(), "(9, 0) for sm_90.");
  m.def(
      "_cuda_get_device_properties",
      [](const named::CudaDeviceLike& device) {
        return cuda().properties(cuda_device_of_object(device).index);
      },
      nb::arg("device") = nb::none());
  m.def(
      "_cuda_mem_get_info",
      [](const named::CudaDeviceLike& device) {
        const DeviceMemory memory = cuda().device_memory(cuda_device_of_object(device).index);
        return std::pair(memory.free, memory.total);
      },
      nb::arg("device") = nb::none(),
      "Free and total bytes of the device, with what other processes use.");
  m.def(
      "_cuda_versions", [] { return nb::borrow<named::TextDict>(versions()); },
      "What CUDA here stands on, by name, each with its version.");
}

void bind_current_device(nb::module_& m) {
  m.def(
      "_cuda_current_device", [] { return int(cuda_device_of_object(nb::none()).index); },
      "The number of the device that \"cuda\" means to this thread; 0 until set_device().");
  m.def(
      "_cuda_set_device",
      [](const named::CudaDeviceLike& device) {
        if (!is_negative(device)) set_current_device(cuda_device_of_object(device));
      },
      nb::arg("device"),
      "What \"cuda\" means to this thread from now on. A negative number changes nothing.");
  nb::class_<DeviceScope>(m, "_DeviceScope",
                          "The device that \"cuda\" means in a `with` block. None or a negative "
                          "number changes nothing.")
      .def(
          "__init__",
          [](DeviceScope* self, const named::CudaDeviceLike& device) {
            new (self) DeviceScope;
            if (device.is_none() || is_negative(device)) return;
            self->device = cuda_device_of_object(device);
          },
          nb::arg("device").none())
      .def("__enter__",
           [](DeviceScope& self) {
             if (self.device) self.active.emplace(*self.device);
           })
      .def(
          "__exit__", [](DeviceScope& self, nb::args) { self.active.reset(); },
          nb::sig(named::kExitSignature));
}

void bind_memory(nb::module_& m) {
  m.def(
      "_cuda_synchronize",
      [](const named::CudaDeviceLike& device) { synchronize(cuda_device_of_object(device)); },
      nb::arg("device") = nb::none(), Unlocked(), "Waits until all work on the device is done.");
  const auto figure = [&m](const char* name, size_t MemoryStats::*field) {
    m.def(
        name,
        [field](const named::CudaDeviceLike& device) {
          return memory_stats(cuda_device_of_object(device)).*field;
        },
        nb::arg("device") = nb::none());
  };
  figure("_cuda_memory_allocated", &MemoryStats::allocated);
  figure("_cuda_max_memory_allocated", &MemoryStats::peak_allocated);
  figure("_cuda_memory_reserved", &MemoryStats::reserved);
  figure("_cuda_max_memory_reserved", &MemoryStats::peak_reserved);
  m.def(
      "_cuda_memory_summary",
      [](const named::CudaDeviceLike& device) {
        return memory_summary(cuda_device_of_object(device));
      },
      nb::arg("device") = nb::none());
  m.def(
      "_cuda_reset_peak_memory_stats",
      [](const named::CudaDeviceLike& device) {
        cuda().reset_peak_memory(cuda_device_of_object(device).index);
      },
      nb::arg("device") = nb::none());
  m.def(
      "_cuda_empty_cache",
      [] {
        for (int i = 0; i < device_count(DeviceType::kCUDA); ++i) {
          cuda().release_cache(i);
        }
      },
      Unlocked(), "Gives memory that no tensor uses back to the device.");
}

void bind_streams(nb::module_& m) {
  nb::class_<Stream>(m, "Stream", "Work of a device that runs in order. Tensors need no waits.")
      .def(
          "__init__",
          [](Stream* self, const named::CudaDeviceLike& device, int priority) {
            new (self) Stream(cuda_device_of_object(device), priority < 0);
          },
          nb::arg("device") = nb::none(), nb::arg("priority") = 0)
      .def("synchronize", &Stream::synchronize, Unlocked())
      .def("query", &Stream::query)
      .def("wait_stream", &Stream::wait, nb::arg("stream"))
      .def(
          "wait_event", [](const Stream& s, LazyEvent& e) { e.made("wait_event").wait(s); },
          nb::arg("event"))
      .def_prop_ro("device", &Stream::device)
      .def_prop_ro("cuda_stream", &Stream::native_handle, "The handle, for other libraries.")
      .def(
          "__eq__",
          [](const Stream& a, nb::handle b) {
            return nb::isinstance<Stream>(b) && a == nb::cast<const Stream&>(b);
          },
          nb::arg("other").none())
      .def("__hash__", &Stream::id);
  nb::class_<StreamScope>(m, "_StreamScope", "Sends the work of a `with` block to a stream.")
      .def(
          "__init__",
          [](StreamScope* self, const Stream& stream) {
            new (self) StreamScope{stream, {}};
          },
          nb::arg("stream"))
      .def("__enter__", [](StreamScope& self) { self.active.emplace(self.stream); })
      .def(
          "__exit__", [](StreamScope& self, nb::args) { self.active.reset(); },
          nb::sig(named::kExitSignature));
  m.def(
      "_cuda_current_stream",
      [](const named::CudaDeviceLike& device) {
        return Stream::current(cuda_device_of_object(device));
      },
      nb::arg("device") = nb::none());

  nb::class_<LazyEvent>(m, "Event", "A mark in a stream.")
      .def(
          "__init__",
          [](LazyEvent* self, bool enable_timing) {
            new (self) LazyEvent{enable_timing, {}};
          },
          nb::arg("enable_timing") = false)
      .def(
          "record",
          [](LazyEvent& self, const std::optional<Stream>& stream) {
            const Stream on = stream_or_current(stream, cuda_device_of_object(nb::none()));
            if (!self.event) self.event.emplace(on.device(), self.enable_timing);
            self.event->record(on);
          },
          nb::arg("stream") = nb::none())
      .def(
          "wait",
          [](LazyEvent& self, const std::optional<Stream>& stream) {
            self.made("wait").wait(stream_or_current(stream, cuda_device_of_object(nb::none())));
          },
          nb::arg("stream") = nb::none())
      .def(
          "synchronize", [](LazyEvent& self) { self.made("synchronize").synchronize(); },
          Unlocked())
      .def("query", [](LazyEvent& self) { return !self.event || self.event->query(); })
      .def(
          "elapsed_time",
          [](LazyEvent& self, LazyEvent& end) {
            return self.made("elapsed_time").milliseconds_to(end.made("elapsed_time"));
          },
          nb::arg("end_event"), "Milliseconds from this event to the other.");
}

}  // namespace

void bind_cuda(nb::module_& m) {
  bind_properties(m);
  bind_current_device(m);
  bind_memory(m);
  bind_streams(m);
  nb::class_<CudaGraph>(m, "CUDAGraph", "A step's work, captured once and replayed.")
      .def(
          "__init__",
          [](CudaGraph* self, const named::CudaDeviceLike& device) {
            new (self) CudaGraph(cuda_device_of_object(device));
          },
          nb::arg("device") = nb::none())
      .def(
          "capture",
          [](CudaGraph& self, nb::typed<nb::callable, nb::object()> step) {
            self.capture([&] { step(); }, Location::deferred());
          },
          nb::arg("step"),
          "Calls step() once and keeps what it would launch instead of running it. Raises "
          "DeviceError that names the op and line of what cannot be captured.")
      .def("replay", [](CudaGraph& self) { self.replay(Location::deferred()); });
}

}  // namespace entasis::python
