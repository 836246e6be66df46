// cuBLASLt sees the transposed product: C transposed = B transposed x A transposed, where row-major
// matrices are column-major ones as they lie in memory. So its A is our B, its m our n, and a
// vector along its rows, as bias is, runs along our columns.
#include <entasis/backends/cuda/blas.h>

#include <array>
#include <mutex>
#include <vector>

#include <cublasLt.h>

#include <entasis/backends/cuda/internal/library_call.h>
#include <entasis/backends/cuda/limits.h>
#include <entasis/core/error.h>

namespace entasis::cuda {
namespace {

void check_blas(cublasStatus_t status, const char* call, const Gemm& g) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw DeviceError(std::string(cublasLtGetStatusName(status)) + " from " + call + ": " +
                    to_string(g));
}

cudaDataType_t data_type(DType dtype) {
  switch (dtype) {
    case kF64:
      return CUDA_R_64F;
    case kF16:
      return CUDA_R_16F;
    case kBF16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

cublasComputeType_t compute_type(const Gemm& g) {
  if (g.dtype == kF64) return CUBLAS_COMPUTE_64F;
  return g.dtype == kF32 && g.tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
}

// A and B change places, and so do their vectors.
cublasLtEpilogue_t epilogue_of(Epilogue epilogue) {
  switch (epilogue) {
    case Epilogue::kNone:
      return CUBLASLT_EPILOGUE_DEFAULT;
    case Epilogue::kBias:
      return CUBLASLT_EPILOGUE_BIAS;
    case Epilogue::kRelu:
      return CUBLASLT_EPILOGUE_RELU;
    case Epilogue::kReluBias:
      return CUBLASLT_EPILOGUE_RELU_BIAS;
    case Epilogue::kGelu:
      return CUBLASLT_EPILOGUE_GELU;
    case Epilogue::kGeluBias:
      return CUBLASLT_EPILOGUE_GELU_BIAS;
    case Epilogue::kReluKeep:
      return CUBLASLT_EPILOGUE_RELU_AUX;
    case Epilogue::kReluBiasKeep:
      return CUBLASLT_EPILOGUE_RELU_AUX_BIAS;
    case Epilogue::kGeluKeep:
      return CUBLASLT_EPILOGUE_GELU_AUX;
    case Epilogue::kGeluBiasKeep:
      return CUBLASLT_EPILOGUE_GELU_AUX_BIAS;
    case Epilogue::kReluGrad:
      return CUBLASLT_EPILOGUE_DRELU;
    case Epilogue::kGeluGrad:
      return CUBLASLT_EPILOGUE_DGELU;
    case Epilogue::kReluGradBias:
      return CUBLASLT_EPILOGUE_DRELU_BGRAD;
    case Epilogue::kGeluGradBias:
      return CUBLASLT_EPILOGUE_DGELU_BGRAD;
    case Epilogue::kRowSumsA:
      return CUBLASLT_EPILOGUE_BGRADB;
    case Epilogue::kColumnSumsB:
      return CUBLASLT_EPILOGUE_BGRADA;
  }
  return CUBLASLT_EPILOGUE_DEFAULT;
}

struct Plan {
  cublasLtMatmulDesc_t operation = nullptr;
  cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatmulAlgo_t algorithm{};
  size_t workspace_bytes = 0;
  bool exists = false;  // the library has an algorithm
  std::mutex mutex;     // of `operation`, which holds the addresses of bias and aux

  Plan() = default;
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;
  ~Plan() {
    if (preference) cublasLtMatmulPreferenceDestroy(preference);
    for (cublasLtMatrixLayout_t layout : {a, b, c}) {
      if (layout) cublasLtMatrixLayoutDestroy(layout);
    }
    if (operation) cublasLtMatmulDescDestroy(operation);
  }
};

template <class T>
void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t name, const T& value,
         const Gemm& g) {
  check_blas(cublasLtMatmulDescSetAttribute(operation, name, &value, sizeof value),
             "cublasLtMatmulDescSetAttribute", g);
}
template <class T>
void set(cublasLtMatrixLayout_t layout, cublasLtMatrixLayoutAttribute_t name, const T& value,
         const Gemm& g) {
  check_blas(cublasLtMatrixLayoutSetAttribute(layout, name, &value, sizeof value),
             "cublasLtMatrixLayoutSetAttribute", g);
}
template <class T>
void set(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t name,
         const T& value, const Gemm& g) {
  check_blas(cublasLtMatmulPreferenceSetAttribute(preference, name, &value, sizeof value),
             "cublasLtMatmulPreferenceSetAttribute", g);
}

// A matrix that is [rows, columns] in our order.
void set_layout(cublasLtMatrixLayout_t* layout, int64_t rows, int64_t columns, bool transposed,
                int64_t ld, int64_t batch_stride, const Gemm& g) {
  if (!transposed) std::swap(rows, columns);
  check_blas(
      cublasLtMatrixLayoutCreate(layout, data_type(g.dtype), uint64_t(rows), uint64_t(columns), ld),
      "cublasLtMatrixLayoutCreate", g);
  set(*layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, int32_t(g.batches), g);
  set(*layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, batch_stride, g);
}

void set_operation(Plan& plan, const Gemm& g, int alignment) {
  check_blas(cublasLtMatmulDescCreate(&plan.operation, compute_type(g),
                                      g.dtype == kF64 ? CUDA_R_64F : CUDA_R_32F),
             "cublasLtMatmulDescCreate", g);
  const auto turn = [](bool transposed) { return transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  set(plan.operation, CUBLASLT_MATMUL_DESC_TRANSA, turn(g.b_transposed), g);
  set(plan.operation, CUBLASLT_MATMUL_DESC_TRANSB, turn(g.a_transposed), g);
  set(plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue_of(g.epilogue), g);
  // The heuristic reads the alignment off the addresses, and nothing else.
  const auto stand_in = reinterpret_cast<const void*>(uintptr_t(alignment));
  if (has_bias(g.epilogue)) {
    set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, stand_in, g);
    set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, data_type(g.dtype), g);
  }
  if (aux_bytes(g) > 0) {
    set(plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, stand_in, g);
    set(plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_LD, aux_stride(g), g);
    set(plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_BATCH_STRIDE, aux_stride(g) * g.m, g);
  }
}

// What NVIDIA advises: Hopper's kernels want more.
size_t workspace_limit(int device) {
  return size_t(limits_of(device).compute_capability >= 90 ? 32 : 4) << 20;
}

struct DeviceBlas {
  std::once_flag once;
  cublasLtHandle_t handle = nullptr;
  PlanCache<GemmKey, Plan> plans;
};
// Never destroyed: the CUDA runtime may be gone before statics are.
DeviceBlas& blas_of(int device) {
  static auto* all = new std::array<DeviceBlas, kMaxDevices>;
  DeviceBlas& blas = (*all)[size_t(device)];
  std::call_once(blas.once, [&] {
    const RelaxedCapture relaxed;
    use_device(device);
    const cublasStatus_t status = cublasLtCreate(&blas.handle);
    if (status != CUBLAS_STATUS_SUCCESS) {
      throw DeviceError(std::string(cublasLtGetStatusName(status)) + " from cublasLtCreate");
    }
  });
  return blas;
}

std::vector<cublasLtMatmulHeuristicResult_t> candidates(cublasLtHandle_t handle, const Plan& plan,
                                                        int most, const Gemm& g) {
  std::vector<cublasLtMatmulHeuristicResult_t> results(static_cast<size_t>(most));
  int found = 0;
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(handle, plan.operation, plan.a, plan.b, plan.c, plan.c,
                                     plan.preference, most, results.data(), &found);
  if (status != CUBLAS_STATUS_NOT_SUPPORTED && status != CUBLAS_STATUS_INVALID_VALUE) {
    check_blas(status, "cublasLtMatmulAlgoGetHeuristic", g);
  }
  results.resize(static_cast<size_t>(found));
  std::erase_if(results, [](const auto& r) { return r.state != CUBLAS_STATUS_SUCCESS; });
  return results;
}

void take(Plan& plan, const cublasLtMatmulHeuristicResult_t& result) {
  plan.algorithm = result.algo;
  plan.workspace_bytes = result.workspaceSize;
  plan.exists = true;
}

// Runs the plan from C into `d`, which is C but for tuning.
cublasStatus_t run(cublasLtHandle_t handle, Plan& plan, const Gemm& g, const GemmOperands& o,
                   void* d, StreamId stream) {
  const Workspace workspace(plan.workspace_bytes, stream);
  const double one = 1, zero = 0;
  const float one_f32 = 1, zero_f32 = 0;
  const bool wide = g.dtype == kF64;
  const void* const alpha = wide ? static_cast<const void*>(&one) : &one_f32;
  const void* const nothing = wide ? static_cast<const void*>(&zero) : &zero_f32;
  std::unique_lock lock(plan.mutex, std::defer_lock);
  if (g.epilogue != Epilogue::kNone) {
    lock.lock();
    if (o.bias) set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, o.bias, g);
    if (o.aux) set(plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE_AUX_POINTER, o.aux, g);
  }
  return cublasLtMatmul(handle, plan.operation, alpha, o.b, plan.a, o.a, plan.b,
                        g.accumulate ? alpha : nothing, o.added ? o.added : o.c, plan.c, d, plan.c,
                        &plan.algorithm, workspace.data(), plan.workspace_bytes, handle_of(stream));
}

// Keeps the fastest of the heuristic's first few. Products that add to C are written elsewhere.
void tune(cublasLtHandle_t handle, Plan& plan, const Gemm& g, const GemmOperands& o,
          StreamId stream) {
  const auto results = candidates(handle, plan, kTuningCandidates, g);
  const int64_t extent = (g.batches - 1) * g.c_batch_stride + (g.m - 1) * g.ldc + g.n;
  const Workspace elsewhere(g.accumulate ? size_t(extent) * size_t(size_of(g.dtype)) : 0, stream);
  void* const d = g.accumulate ? elsewhere.data() : o.c;
  float best = 0;
  const cublasLtMatmulHeuristicResult_t* fastest = nullptr;
  for (const auto& result : results) {
    take(plan, result);
    if (run(handle, plan, g, o, d, stream) != CUBLAS_STATUS_SUCCESS) continue;
    const float time = time_of(stream, [&] { run(handle, plan, g, o, d, stream); });
    if (fastest == nullptr || time < best) {
      best = time;
      fastest = &result;
    }
  }
  plan.exists = false;
  if (fastest != nullptr) take(plan, *fastest);
}

std::shared_ptr<Plan> make_plan(cublasLtHandle_t handle, const Gemm& g, const GemmOperands& o,
                                int alignment, StreamId stream) {
  const RelaxedCapture relaxed;
  auto plan = std::make_shared<Plan>();
  set_operation(*plan, g, alignment);
  set_layout(&plan->a, g.k, g.n, g.b_transposed, g.ldb, g.b_batch_stride, g);
  set_layout(&plan->b, g.m, g.k, g.a_transposed, g.lda, g.a_batch_stride, g);
  set_layout(&plan->c, g.m, g.n, false, g.ldc, g.c_batch_stride, g);
  check_blas(cublasLtMatmulPreferenceCreate(&plan->preference), "cublasLtMatmulPreferenceCreate",
             g);
  set(plan->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
      workspace_limit(device_of(stream)), g);
  // Partial sums of a split k are added in a fixed order and unrounded.
  set(plan->preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      uint32_t(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE), g);
  for (const auto name :
       {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
        CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES}) {
    set(plan->preference, name, uint32_t(alignment), g);
  }
  if (is_tuning() && !is_captured(handle_of(stream))) {
    tune(handle, *plan, g, o, stream);
  } else if (const auto results = candidates(handle, *plan, 1, g); !results.empty()) {
    take(*plan, results[0]);
  }
  return plan;
}

}  // namespace

bool try_gemm(const Gemm& g, const GemmOperands& operands, StreamId stream) {
  DeviceBlas& blas = blas_of(device_of(stream));
  const int alignment = alignment_of(g, operands);
  const auto plan = blas.plans.find(
      key_of(g, alignment), [&] { return make_plan(blas.handle, g, operands, alignment, stream); });
  if (!plan->exists) return false;
  check_blas(run(blas.handle, *plan, g, operands, operands.c, stream), "cublasLtMatmul", g);
  after_launch(handle_of(stream));
  return true;
}

void gemm(const Gemm& g, const GemmOperands& operands, StreamId stream) {
  if (!try_gemm(g, operands, stream)) {
    throw DeviceError("cuBLASLt has no algorithm for this: " + to_string(g));
  }
}

std::string blas_version() { return library_version(cublasLtGetVersion()); }

}  // namespace entasis::cuda
