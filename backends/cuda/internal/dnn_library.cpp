#include <entasis/backends/cuda/internal/dnn_library.h>

#include <dlfcn.h>

#include <entasis/core/error.h>

namespace entasis::cuda {
namespace {

constexpr const char* kName = "libcudnn.so.9";

[[noreturn]] void throw_missing(const std::string& why) {
  throw DeviceError("convolutions on CUDA need cuDNN 9, which is not there (" + why +
                    "); install it with `pip install nvidia-cudnn-cu13`, or as NVIDIA's package "
                    "libcudnn9-cuda-13");
}

template <class F>
void find(void* library, const char* name, F*& function) {
  void* const address = dlsym(library, name);
  if (address == nullptr) throw_missing(std::string(kName) + " has no " + name);
  function = reinterpret_cast<F*>(address);
}

// Found by the plugin's own search path, which includes the folders of PyPI's packages, and by the
// system's. Never closed: its threads and handles live on.
DnnLibrary open_library() {
  void* const library = dlopen(kName, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw_missing(dlerror());
  DnnLibrary l{};
  find(library, "cudnnGetVersion", l.get_version);
  find(library, "cudnnGetErrorString", l.get_error_string);
  find(library, "cudnnGetLastErrorString", l.get_last_error_string);
  find(library, "cudnnCreate", l.create);
  find(library, "cudnnSetStream", l.set_stream);
  find(library, "cudnnBackendCreateDescriptor", l.create_descriptor);
  find(library, "cudnnBackendDestroyDescriptor", l.destroy_descriptor);
  find(library, "cudnnBackendSetAttribute", l.set_attribute);
  find(library, "cudnnBackendGetAttribute", l.get_attribute);
  find(library, "cudnnBackendFinalize", l.finalize);
  find(library, "cudnnBackendExecute", l.execute);
  return l;
}

}  // namespace

const DnnLibrary& dnn_library() {
  static const DnnLibrary library = open_library();  // tried again after a failure
  return library;
}

void check_dnn(cudnnStatus_t status, const char* call) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  std::string what = std::string(dnn_library().get_error_string(status)) + " from " + call;
  char detail[512] = "";
  dnn_library().get_last_error_string(detail, sizeof detail);
  if (detail[0] != '\0') what += std::string(": ") + detail;
  while (!what.empty() && what.back() == '\n') what.pop_back();
  throw DnnFailure{status, std::move(what)};
}

}  // namespace entasis::cuda
