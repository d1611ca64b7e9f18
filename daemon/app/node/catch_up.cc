#include "daemon/app/node/catch_up.h"

#include <utility>

#include "daemon/log/log.h"

namespace skerry::app {

CatchUp::CatchUp(const replication::StreamClient::Parts& parts,
                 replication::StreamClient::Settings settings,
                 replication::StreamClient::OnWelcome on_welcome, std::function<void()> moved)
    : clock_(parts.clock),
      client_(
          parts,
          [settings = std::move(settings)] {
            replication::ReceiverSettings all = settings();
            all.catches_up = true;
            return all;
          },
          std::move(on_welcome), std::move(moved)) {}

void CatchUp::begin(const std::string& url, Done done) {
  cancel();
  done_ = std::move(done);
  url_ = url;
  deadline_ = clock_.now() + lease::kCatchUpBound;
  log::info("catch-up", "another node has newer data; getting them before standing for the lease",
            {{"from", url}});
  client_.follow(url);
}

void CatchUp::advance() {
  if (!done_) return;
  if (client_.state().synced) {
    log::info("catch-up", "this node has what the other had", {{"from", url_}});
    end(true);
  } else if (clock_.now() >= deadline_) {
    const std::string why = client_.state().last_error;
    log::warn("catch-up", why.empty() ? "it takes too long; asking the others anew" : why,
              {{"from", url_}});
    end(false);
  }
}

void CatchUp::cancel() {
  if (done_) end(false);
}

void CatchUp::end(bool ok) {
  client_.unfollow();
  std::exchange(done_, {})(ok);
}

}  // namespace skerry::app
