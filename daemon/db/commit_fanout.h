// One listener that tells several.
#pragma once

#include <vector>

#include "daemon/db/commit_gate.h"

namespace skerry::db {

class CommitFanout final : public CommitListener {
 public:
  // Before databases are opened; the listener outlives them.
  void add(CommitListener& listener) { listeners_.push_back(&listener); }

  bool wants_images(uint32_t pages, PageSize page_size) override {
    bool wanted = false;
    for (CommitListener* listener : listeners_) wanted |= listener->wants_images(pages, page_size);
    return wanted;
  }
  void committed(Database& database, const Transaction& transaction) override {
    for (CommitListener* listener : listeners_) listener->committed(database, transaction);
  }

 private:
  std::vector<CommitListener*> listeners_;
};

}  // namespace skerry::db
