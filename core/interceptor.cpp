#include <entasis/core/interceptor.h>

#include <entasis/core/thread_state_internal.h>

namespace entasis {

Interceptor::~Interceptor() = default;
Interceptor::Action Interceptor::before(const OpCall&) { return Action::kRun; }
void Interceptor::after(const OpCall&, Outputs) {}

InterceptorGuard::InterceptorGuard(Interceptor& interceptor) : interceptor_(interceptor) {
  Interceptor** place = &thread_state.interceptors;
  while (*place && (*place)->rank_ <= interceptor.rank_) place = &(*place)->next_;
  interceptor.next_ = *place;
  *place = &interceptor;
}

InterceptorGuard::~InterceptorGuard() {
  Interceptor** place = &thread_state.interceptors;
  while (*place != &interceptor_) place = &(*place)->next_;
  *place = interceptor_.next_;
}

}  // namespace entasis
