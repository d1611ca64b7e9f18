// The keeper: holds the mount and what must outlive a worker, supervises the application and the
// worker. One thread, one loop, next to no memory: what it does not do cannot make it fail.
//
// States: a worker runs, or one is due at `next_start_`. When a worker ends, its successor takes
// the mount over within milliseconds; applications notice a pause. The stop goes in order:
// the worker hands the primary over, application, worker lets go of the mount, unmount, worker
// closes its databases.
#pragma once

#include <sys/types.h>

#include "daemon/keeper/plan.h"

namespace skerry::keeper {

class Keeper {
 public:
  explicit Keeper(Plan plan);
  // Runs to the end; returns the exit code.
  int run();

 private:
  enum class Stage { kServing, kHandingOver, kStoppingApp, kReleasing, kFinishing };

  // Time in milliseconds of the monotonic clock.
  using Ms = long long;

  void loop_once();
  void on_signal();
  void on_message();
  void on_control();
  void reap();
  void check_worker();
  void check_deadlines();

  void start_worker();
  void worker_ended(int status, bool status_known);
  void give_up_mount(const char* why);
  void start_next_command();
  void app_ended(int status);
  void begin_stop(int signal, int exit_code);
  void stop_app();
  void kill_app(int signal);
  void release_mount();
  void unmount(bool force);
  void tell_worker(char message);
  void end_worker_for_upgrade();
  void answer_control(const char* text);

  Plan plan_;
  Stage stage_ = Stage::kServing;
  int signal_fd_ = -1;
  int exit_code_ = 0;
  bool done_ = false;

  pid_t worker_ = 0;
  int channel_ = -1;
  bool worker_ready_ = false;
  bool ever_ready_ = false;
  bool upgrading_ = false;
  Ms drain_deadline_ = 0;  // of an upgrade; 0: the worker is not draining
  int starts_ = 0;
  int failures_ = 0;  // in a row
  Ms started_at_ = 0;
  Ms ready_at_ = 0;
  Ms next_start_ = 0;
  Ms ending_since_ = 0;  // the worker shows signs of its end

  pid_t app_ = 0;
  bool app_may_start_ = false;
  bool candidate_ = true;
  bool primary_ = false;  // when the application was let start
  size_t next_command_ = 0;

  Ms stop_began_ = 0;
  int stop_signal_ = 0;
  Ms stage_deadline_ = 0;
  int control_ = -1;  // a client that waits for an answer
};

}  // namespace skerry::keeper
