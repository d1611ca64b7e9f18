#include "proxy/relay/answer.h"

#include <fmt/format.h>

#include <iterator>

namespace skerry::proxy {

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    case 508:
      return "Loop Detected";
    default:
      return "Unknown";
  }
}

void write_answer(const Answer& answer, std::string& out) {
  fmt::format_to(std::back_inserter(out),
                 "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n"
                 "Cache-Control: no-store\r\n{}{}\r\n",
                 answer.status, reason_phrase(answer.status), answer.content_type,
                 answer.body.size(), answer.fields, answer.close ? "Connection: close\r\n" : "");
  if (!answer.to_head) out.append(answer.body);
}

}  // namespace skerry::proxy
