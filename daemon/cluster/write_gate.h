// Lets commits through on the primary, and on it alone.
#pragma once

#include "daemon/cluster/role.h"
#include "daemon/db/commit_gate.h"

namespace skerry::cluster {

class WriteGate final : public db::CommitGate {
 public:
  explicit WriteGate(const Role& role) : role_(role) {}

  Status may_write(const db::Database& database) override;
  Epoch epoch() override { return role_.epoch(); }
  Result<Decision> may_commit(const db::Database& database,
                              const db::Transaction& transaction) override;
  Status may_acknowledge(const db::Database& database) override;
  void hold(db::Database& database, const db::Transaction& transaction, Resume resume) override;

 private:
  const Role& role_;
};

}  // namespace skerry::cluster
