// Responses of the proxy's own. Pure.
#pragma once

#include <string>
#include <string_view>

namespace skerry::proxy {

struct Answer {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string_view fields = {};  // further ones, each with its CR LF
  std::string_view body = {};
  bool close = false;
  bool to_head = false;  // the body is announced, not sent
};

void write_answer(const Answer& answer, std::string& out);

[[nodiscard]] std::string_view reason_phrase(int status);

}  // namespace skerry::proxy
