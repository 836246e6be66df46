// A convolution as a graph of cuDNN's backend descriptors:
//
//   input, weight -> convolution -> [add bias] -> [relu] -> output
//
// where what lies between is virtual and in f32 (f64 for f64). The heuristics rank engines; the
// first that keeps our rules and builds is taken.
#include <entasis/backends/cuda/dnn.h>

#include <array>
#include <mutex>
#include <vector>

#include <entasis/backends/cuda/internal/dnn_library.h>
#include <entasis/backends/cuda/internal/library_call.h>
#include <entasis/backends/cuda/limits.h>
#include <entasis/core/error.h>

namespace entasis::cuda {
namespace {

constexpr int64_t kMaxWorkspace = int64_t{1} << 30;

enum Uid : int64_t { kInput = 1, kWeight, kOutput, kBias, kConvolved, kBiased };

cudnnDataType_t data_type(DType dtype) {
  switch (dtype) {
    case kF64:
      return CUDNN_DATA_DOUBLE;
    case kF16:
      return CUDNN_DATA_HALF;
    case kBF16:
      return CUDNN_DATA_BFLOAT16;
    default:
      return CUDNN_DATA_FLOAT;
  }
}
cudnnDataType_t compute_type(DType dtype) {
  return dtype == kF64 ? CUDNN_DATA_DOUBLE : CUDNN_DATA_FLOAT;
}

struct Plan {
  DnnDescriptor plan;
  // What the plan was made from; kept for its life.
  std::vector<DnnDescriptor> parts;
  int64_t workspace_bytes = 0;
  bool exists = false;
  std::string why_not;
};

struct DeviceDnn {
  std::once_flag once;
  cudnnHandle_t handle = nullptr;
  std::mutex mutex;  // of the handle, which holds the stream
  PlanCache<ConvolutionKey, Plan> plans;
};
// Never destroyed: the CUDA runtime may be gone before statics are.
DeviceDnn& dnn_of(int device) {
  static auto* all = new std::array<DeviceDnn, kMaxDevices>;
  DeviceDnn& dnn = (*all)[size_t(device)];
  std::call_once(dnn.once, [&] {
    const DnnLibrary& library = dnn_library();
    const RelaxedCapture relaxed;
    use_device(device);
    try {
      check_dnn(library.create(&dnn.handle), "cudnnCreate");
    } catch (const DnnFailure& failure) {
      throw DeviceError("cuDNN " + std::to_string(library.get_version()) + ": " + failure.what);
    }
  });
  return dnn;
}

// ---- The graph
class GraphBuilder {
 public:
  GraphBuilder(Plan& plan, const Convolution& c) : plan_(plan), c_(c) {}

  const DnnDescriptor& build(cudnnHandle_t handle) {
    const bool follows = c_.bias || c_.activation != Activation::kNone;
    const auto input = tensor(kInput, c_.input_shape, false);
    const auto weight = tensor(kWeight, c_.weight_shape, false);
    const auto output = tensor(kOutput, c_.output_shape, false);
    auto at = follows ? tensor(kConvolved, c_.output_shape, true) : output;
    convolution(input, weight, at);
    if (c_.bias) {
      const auto bias = tensor(kBias, {1, c_.output_shape[1], 1, 1}, false);
      const bool last = c_.activation == Activation::kNone;
      const auto sum = last ? output : tensor(kBiased, c_.output_shape, true);
      pointwise(CUDNN_POINTWISE_ADD, at, &bias, sum);
      at = sum;
    }
    if (c_.activation == Activation::kRelu) {
      pointwise(CUDNN_POINTWISE_RELU_FWD, at, nullptr, output);
    }
    DnnDescriptor& graph = add(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.set_parts(CUDNN_ATTR_OPERATIONGRAPH_OPS, operations_);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_HANDLE, handle);
    graph.finalize();
    return graph;
  }

 private:
  using Handle = cudnnBackendDescriptor_t;

  DnnDescriptor& add(cudnnBackendDescriptorType_t type) {
    return plan_.parts.emplace_back(DnnDescriptor(type));
  }

  Handle tensor(Uid uid, const std::array<int64_t, 4>& shape, bool is_virtual) {
    const auto [n, c, h, w] = shape;
    const std::array<int64_t, 4> strides = c_.channels_last
                                               ? std::array<int64_t, 4>{c * h * w, 1, w * c, c}
                                               : std::array<int64_t, 4>{c * h * w, h * w, w, 1};
    DnnDescriptor& t = add(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
    t.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, int64_t(uid));
    t.set(CUDNN_ATTR_TENSOR_DATA_TYPE, is_virtual ? compute_type(c_.dtype) : data_type(c_.dtype));
    t.set(CUDNN_ATTR_TENSOR_DIMENSIONS, std::span<const int64_t>(shape));
    t.set(CUDNN_ATTR_TENSOR_STRIDES, std::span<const int64_t>(strides));
    t.set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, int64_t{16});
    t.set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, is_virtual);
    t.finalize();
    return t.handle();
  }

  struct PassNames {
    cudnnBackendDescriptorType_t type;
    cudnnBackendAttributeName_t alpha, beta, window, input, weight, output;
  };
  static const PassNames& names_of(ConvolutionPass pass) {
    static constexpr PassNames kNames[] = {
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY},
        {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
         CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY},
    };
    return kNames[int(pass)];
  }

  void convolution(Handle input, Handle weight, Handle output) {
    DnnDescriptor& window = add(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    window.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, compute_type(c_.dtype));
    window.set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION);
    window.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2});
    window.set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, std::span<const int64_t>(c_.padding));
    window.set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, std::span<const int64_t>(c_.padding));
    window.set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, std::span<const int64_t>(c_.stride));
    window.set(CUDNN_ATTR_CONVOLUTION_DILATIONS, std::span<const int64_t>(c_.dilation));
    window.finalize();

    const PassNames& names = names_of(c_.pass);
    DnnDescriptor& operation = add(names.type);
    if (c_.dtype == kF64) {
      operation.set(names.alpha, 1.0);
      operation.set(names.beta, 0.0);
    } else {
      operation.set(names.alpha, 1.0f);
      operation.set(names.beta, 0.0f);
    }
    operation.set_part(names.window, window.handle());
    operation.set_part(names.input, input);
    operation.set_part(names.weight, weight);
    operation.set_part(names.output, output);
    operation.finalize();
    operations_.push_back(operation.handle());
  }

  void pointwise(cudnnPointwiseMode_t mode, Handle x, const Handle* b, Handle y) {
    DnnDescriptor& formula = add(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    formula.set(CUDNN_ATTR_POINTWISE_MODE, mode);
    formula.set(CUDNN_ATTR_POINTWISE_MATH_PREC, compute_type(c_.dtype));
    formula.finalize();
    DnnDescriptor& operation = add(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    operation.set_part(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, formula.handle());
    operation.set_part(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, x);
    if (b != nullptr) operation.set_part(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, *b);
    operation.set_part(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, y);
    operation.finalize();
    operations_.push_back(operation.handle());
  }

  Plan& plan_;
  const Convolution& c_;
  std::vector<Handle> operations_;
};

// ---- Engines

// Same bits every time, full precision, no tiles transformed.
bool keeps_our_rules(const DnnDescriptor& engine, const Convolution& c) {
  cudnnBackendNumericalNote_t notes[CUDNN_NUMERICAL_NOTE_TYPE_COUNT];
  const int64_t count =
      engine.get(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT, notes);
  for (int64_t i = 0; i < count; ++i) {
    switch (notes[i]) {
      case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
        if (c.dtype == kF32 && !c.tf32) return false;  // they take TF32 at best
        break;
      case CUDNN_NUMERICAL_NOTE_STRICT_NAN_PROP:
        break;
      default:
        return false;
    }
  }
  return true;
}

// Engine configurations of one of the heuristic's modes, best first.
std::vector<DnnDescriptor> configurations(const DnnDescriptor& graph, cudnnBackendHeurMode_t mode) {
  DnnDescriptor heuristic(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristic.set_part(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.handle());
  heuristic.set(CUDNN_ATTR_ENGINEHEUR_MODE, mode);
  heuristic.finalize();
  const int64_t count = heuristic.get_parts(CUDNN_ATTR_ENGINEHEUR_RESULTS, 0, nullptr);
  std::vector<DnnDescriptor> found;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (int64_t i = 0; i < count; ++i) {
    found.emplace_back(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR);
    handles.push_back(found.back().handle());
  }
  const int64_t given = heuristic.get_parts(CUDNN_ATTR_ENGINEHEUR_RESULTS, count, handles.data());
  found.resize(static_cast<size_t>(std::min(given, count)));
  return found;
}

struct Candidate {
  DnnDescriptor configuration, plan;
  int64_t workspace_bytes = 0;
};

// Empty if the engine breaks a rule or cannot be built.
std::vector<Candidate> build_candidate(cudnnHandle_t handle, DnnDescriptor configuration,
                                       const Convolution& c, std::string& why_not) {
  std::vector<Candidate> result;
  try {
    const DnnDescriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendDescriptor_t engine_handle = engine.handle();
    configuration.get_parts(CUDNN_ATTR_ENGINECFG_ENGINE, 1, &engine_handle);
    if (!keeps_our_rules(engine, c)) return result;
    DnnDescriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_HANDLE, handle);
    plan.set_part(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration.handle());
    plan.finalize();
    int64_t bytes = 0;
    plan.get(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, 1, &bytes);
    if (bytes <= kMaxWorkspace) {
      result.push_back({std::move(configuration), std::move(plan), bytes});
    }
  } catch (const DnnFailure& failure) {
    why_not = failure.what;
  }
  return result;
}

void run(DeviceDnn& dnn, const DnnDescriptor& plan, int64_t workspace_bytes, const Convolution& c,
         const ConvolutionOperands& o, StreamId stream) {
  const Workspace workspace(size_t(workspace_bytes), stream);
  const int64_t uids[] = {kInput, kWeight, kOutput, kBias};
  void* const addresses[] = {o.input, o.weight, o.output, const_cast<void*>(o.bias)};
  const size_t count = c.bias ? 4 : 3;
  DnnDescriptor pack(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, std::span<const int64_t>(uids, count));
  pack.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, std::span<void* const>(addresses, count));
  pack.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, workspace.data());
  pack.finalize();
  const std::lock_guard lock(dnn.mutex);
  check_dnn(dnn_library().set_stream(dnn.handle, handle_of(stream)), "cudnnSetStream");
  check_dnn(dnn_library().execute(dnn.handle, plan.handle(), pack.handle()), "cudnnBackendExecute");
}

void take(Plan& plan, Candidate& candidate) {
  plan.plan = std::move(candidate.plan);
  plan.parts.push_back(std::move(candidate.configuration));
  plan.workspace_bytes = candidate.workspace_bytes;
  plan.exists = true;
}

// The fastest of the candidates; the first if none of them runs.
size_t tune(DeviceDnn& dnn, const std::vector<Candidate>& candidates, const Convolution& c,
            const ConvolutionOperands& o, StreamId stream) {
  size_t best = 0;
  float best_time = -1;
  for (size_t i = 0; i < candidates.size(); ++i) {
    try {
      const float time = time_of(stream, [&] {
        run(dnn, candidates[i].plan, candidates[i].workspace_bytes, c, o, stream);
      });
      if (best_time < 0 || time < best_time) {
        best_time = time;
        best = i;
      }
    } catch (const DnnFailure&) {  // the next one may run
    }
  }
  return best;
}

std::shared_ptr<Plan> make_plan(DeviceDnn& dnn, const Convolution& c, const ConvolutionOperands& o,
                                StreamId stream) {
  const RelaxedCapture relaxed;
  auto plan = std::make_shared<Plan>();
  plan->parts.reserve(32);  // references into it stay good
  const size_t wanted = is_tuning() && !is_captured(handle_of(stream)) ? kTuningCandidates : 1;
  std::vector<Candidate> candidates;
  try {
    const DnnDescriptor& graph = GraphBuilder(*plan, c).build(dnn.handle);
    for (const auto mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      if (!candidates.empty()) break;
      for (DnnDescriptor& configuration : configurations(graph, mode)) {
        if (candidates.size() == wanted) break;
        for (Candidate& built :
             build_candidate(dnn.handle, std::move(configuration), c, plan->why_not)) {
          candidates.push_back(std::move(built));
        }
      }
    }
  } catch (const DnnFailure& failure) {
    plan->why_not = failure.what;
  }
  if (candidates.empty()) {
    if (plan->why_not.empty()) plan->why_not = "no engine is deterministic and fully precise";
    return plan;
  }
  const size_t best = candidates.size() > 1 ? tune(dnn, candidates, c, o, stream) : 0;
  take(*plan, candidates[best]);
  return plan;
}

// The plan, if it exists, has run.
std::shared_ptr<Plan> find_and_run(const Convolution& c, const ConvolutionOperands& operands,
                                   StreamId stream) {
  DeviceDnn& dnn = dnn_of(device_of(stream));
  try {
    auto plan = dnn.plans.find(key_of(c), [&] { return make_plan(dnn, c, operands, stream); });
    if (plan->exists) {
      run(dnn, plan->plan, plan->workspace_bytes, c, operands, stream);
      after_launch(handle_of(stream));
    }
    return plan;
  } catch (const DnnFailure& failure) {
    throw DeviceError(failure.what + ": " + to_string(c));
  }
}

}  // namespace

bool try_convolve(const Convolution& c, const ConvolutionOperands& operands, StreamId stream) {
  return find_and_run(c, operands, stream)->exists;
}

void convolve(const Convolution& c, const ConvolutionOperands& operands, StreamId stream) {
  const auto plan = find_and_run(c, operands, stream);
  if (!plan->exists) {
    throw DeviceError("cuDNN cannot compute this (" + plan->why_not + "): " + to_string(c));
  }
}

std::string dnn_version() {
  try {
    return library_version(dnn_library().get_version());
  } catch (const DeviceError&) {  // it is not installed
    return "none";
  }
}

}  // namespace entasis::cuda
