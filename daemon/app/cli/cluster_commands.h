// skerry history, skerry cluster …: who was the primary, which cluster this is, and the ways out
// that only a person may take.
#pragma once

#include <string>

#include "daemon/app/cli/data_flags.h"
#include "daemon/app/cli/flag_set.h"
#include "daemon/app/cli/url_flag.h"

namespace skerry::app {

struct HistoryCommand {
  static constexpr Usage kUsage = {
      "history", "[flags]", "show who was the primary, and why that ended",
      "Shows, oldest first, the primaries that this node knew, from the log in its data folder.\n"
      "No node need run."};
  DataFlags data;
  bool json = false;
};

struct ClusterStatusCommand {
  static constexpr Usage kUsage = {
      "cluster status", "[flags]", "show all nodes of the cluster",
      "Asks the node for the others, and each of them how it is: role, region, epoch, positions,\n"
      "how far it is behind, and why it is not the primary."};
  std::string url{kDefaultUrl};
  bool json = false;
};

struct ClusterIdCommand {
  static constexpr Usage kUsage = {"cluster id", "[flags]", "print the id of the cluster",
                                   "Prints the id of the cluster that the data folder belongs to."};
  DataFlags data;
  bool json = false;
};

struct ClusterAdoptCommand {
  static constexpr Usage kUsage = {
      "cluster adopt", "[flags] ID", "make the data folder part of another cluster",
      "Writes the id of a cluster into the data folder of a node that is stopped. When the node\n"
      "starts, its databases become that cluster's; what the cluster's primary does not have of\n"
      "them is kept as orphans."};
  DataFlags data;
  std::string id;
  bool json = false;
};

struct ClusterResetCommand {
  static constexpr Usage kUsage = {
      "cluster reset", "[flags] -yes", "forget which cluster the data folder belongs to",
      "Removes the cluster's id from the data folder of a node that is stopped: it then joins the\n"
      "cluster that it finds, or begins a new one with its databases if there is none."};
  DataFlags data;
  bool yes = false;
  bool json = false;
};

struct ClusterForcePrimaryCommand {
  static constexpr Usage kUsage = {
      "cluster force-primary", "[flags] -yes", "make this node the primary with the data it has",
      "Lets this node stand for the lease though others may have newer data. What they have and\n"
      "it has not is kept on them as orphans once they come back. The lease itself is not broken:\n"
      "while another node holds it, nothing happens."};
  std::string url{kDefaultUrl};
  bool yes = false;
  bool json = false;
};

void declare(FlagSet& flags, HistoryCommand& command);
void declare(FlagSet& flags, ClusterStatusCommand& command);
void declare(FlagSet& flags, ClusterIdCommand& command);
void declare(FlagSet& flags, ClusterAdoptCommand& command);
void declare(FlagSet& flags, ClusterResetCommand& command);
void declare(FlagSet& flags, ClusterForcePrimaryCommand& command);

[[nodiscard]] inline Status check(const HistoryCommand&) { return {}; }
[[nodiscard]] Status check(const ClusterStatusCommand& command);
[[nodiscard]] inline Status check(const ClusterIdCommand&) { return {}; }
[[nodiscard]] inline Status check(const ClusterAdoptCommand&) { return {}; }
[[nodiscard]] Status check(const ClusterResetCommand& command);
[[nodiscard]] Status check(const ClusterForcePrimaryCommand& command);

[[nodiscard]] int execute(const HistoryCommand& command);
[[nodiscard]] int execute(const ClusterStatusCommand& command);
[[nodiscard]] int execute(const ClusterIdCommand& command);
[[nodiscard]] int execute(const ClusterAdoptCommand& command);
[[nodiscard]] int execute(const ClusterResetCommand& command);
[[nodiscard]] int execute(const ClusterForcePrimaryCommand& command);

}  // namespace skerry::app
