// POST /import?name=DB with a SQLite file as body: makes it the content of the database, as one
// transaction. The body goes to a file of the data folder first, so that a slow or broken client
// holds no lock; nothing is changed before it is there as a whole and looks like a database.
#pragma once

#include <functional>

#include "daemon/admin/node_view.h"
#include "daemon/admin/slots.h"
#include "daemon/admin/sqlite_image.h"
#include "daemon/net/http_message.h"

namespace skerry::admin {

class ImportRoute {
 public:
  static constexpr size_t kImportsMax = 2;  // at a time: each has a pool thread

  explicit ImportRoute(NodeView& node) : node_(node) {}
  [[nodiscard]] net::Response post(net::Request& request);  // on a pool thread

 private:
  struct Received {
    std::unique_ptr<os::File> file;
    uint64_t bytes = 0;
  };
  [[nodiscard]] Result<Position> import(const std::string& name, net::Request& request);
  [[nodiscard]] Status check_primary() const;
  [[nodiscard]] Result<Received> receive(net::Request& request);
  [[nodiscard]] Result<Bytes> first_page_of(const std::string& name) const;
  [[nodiscard]] Status make_content(const std::string& name, os::File& file, SqliteImage image,
                                    const net::Request& request);

  NodeView& node_;
  Slots slots_{kImportsMax};
};

}  // namespace skerry::admin
