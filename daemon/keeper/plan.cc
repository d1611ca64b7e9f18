#include "daemon/keeper/plan.h"

#include <cstdlib>

namespace skerry::keeper {
namespace {

constexpr long kArgumentsMax = 4096;

void put(std::string& out, const std::string& field) {
  out.append(field).push_back('\0');
}
void put(std::string& out, long number) {
  put(out, std::to_string(number));
}
void put(std::string& out, const std::vector<std::string>& list) {
  put(out, static_cast<long>(list.size()));
  for (const std::string& item : list) put(out, item);
}

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  std::string field() {
    const size_t end = text_.find('\0', at_);
    if (end == std::string::npos) {
      damaged_ = true;
      return {};
    }
    std::string value = text_.substr(at_, end - at_);
    at_ = end + 1;
    return value;
  }
  long number() { return std::strtol(field().c_str(), nullptr, 10); }
  long count() {
    const long n = number();
    if (n < 0 || n > kArgumentsMax) damaged_ = true;
    return damaged_ ? 0 : n;
  }
  std::vector<std::string> list() {
    std::vector<std::string> items;
    for (long n = count(); n > 0; --n) items.push_back(field());
    return items;
  }
  [[nodiscard]] bool whole() const { return !damaged_ && at_ == text_.size(); }

 private:
  const std::string& text_;
  size_t at_ = 0;
  bool damaged_ = false;
};

}  // namespace

std::string encode(const Plan& plan) {
  std::string out;
  put(out, plan.mount_dir);
  put(out, plan.unmount_helper);
  put(out, plan.stop_ms);
  put(out, plan.can_resend ? 1L : 0L);
  put(out, plan.stay_on_error ? 1L : 0L);
  put(out, plan.log_json ? 1L : 0L);
  put(out, plan.worker);
  put(out, static_cast<long>(plan.commands.size()));
  for (const Command& command : plan.commands) {
    put(out, command.if_candidate ? 1L : 0L);
    put(out, command.if_primary ? 1L : 0L);
    put(out, command.arguments);
  }
  return out;
}

bool decode(const std::string& text, Plan* plan) {
  Reader in(text);
  plan->mount_dir = in.field();
  plan->unmount_helper = in.field();
  plan->stop_ms = in.number();
  plan->can_resend = in.number() != 0;
  plan->stay_on_error = in.number() != 0;
  plan->log_json = in.number() != 0;
  plan->worker = in.list();
  for (long n = in.count(); n > 0; --n) {
    Command command;
    command.if_candidate = in.number() != 0;
    command.if_primary = in.number() != 0;
    command.arguments = in.list();
    plan->commands.push_back(command);
  }
  return in.whole() && !plan->worker.empty();
}

}  // namespace skerry::keeper
