// What a head becomes on its way through: hop-by-hop fields go, forwarding fields and the token
// come, everything else stays as it was, byte for byte and in its order. Pure.
//
// No Via is added: widely used servers stop compressing when they see one, and loops are found by
// Skerry-Forwarded.
#pragma once

#include <string>
#include <string_view>

#include "proxy/http/head.h"

namespace skerry::proxy {

struct Onward {
  std::string_view client;      // address of the connection's other end, without port
  bool keep_forwarded = false;  // it comes from a proxy of this cluster, which has set them
  std::string_view mark = {};   // Skerry-Forwarded; empty: it goes to the application
};

void write_request(const RequestHead& head, const Onward& onward, std::string& out);

struct Back {
  bool close = false;           // the client's connection ends with this response
  bool to_http_1_0 = false;     // the client's; a chunked body reaches it without its framing
  std::string_view token = {};  // to set; empty: none
};

void write_response(const ResponseHead& head, const Back& back, std::string& out);

}  // namespace skerry::proxy
