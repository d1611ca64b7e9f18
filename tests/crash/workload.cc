#include "tests/crash/workload.h"

namespace skerry::test {

const std::vector<Mode>& modes() {
  static const std::vector<Mode> all{
      {"delete", "pragma journal_mode=delete; pragma synchronous=full"},
      {"truncate", "pragma journal_mode=truncate; pragma synchronous=normal"},
      {"persist", "pragma journal_mode=persist; pragma synchronous=off"},
      {"wal-normal", "pragma journal_mode=wal; pragma synchronous=normal"},
      {"wal-full", "pragma journal_mode=wal; pragma synchronous=full; pragma wal_autocheckpoint=8"},
      {"wal-exclusive",
       "pragma locking_mode=exclusive; pragma journal_mode=wal; pragma wal_autocheckpoint=30"},
  };
  return all;
}

// `rows` new rows of so many bytes.
static std::string insert(int rows, int bytes) {
  return "with recursive n(i) as (select 1 union all select i+1 from n where i<" +
         std::to_string(rows) + ") insert into t(v) select printf('%0" + std::to_string(bytes) +
         "d', i*7919 + (select count(*) from t)) from n";
}

const std::vector<Step>& steps() {
  static const std::vector<Step> all{
      {Act::kSql, "create table t(id integer primary key, v)"},
      {Act::kSql, insert(20, 200)},
      {Act::kSql, insert(1, 50)},
      {Act::kSql, "update t set v=v||'x' where id%3=0"},
      {Act::kSql, "begin; " + insert(80, 400) + "; delete from t where id%7=0; commit"},
      {Act::kSync, {}},
      {Act::kRoll, {}},
      {Act::kSql, "begin; " + insert(5, 400) + "; savepoint a; " + insert(60, 300) +
                      "; rollback to a; " + insert(2, 100) + "; commit"},
      {Act::kSql, "begin; " + insert(60, 500) + "; rollback"},
      {Act::kSql, "create index i on t(v)"},
      {Act::kDie, {}},
      {Act::kSql, "delete from t where id%2=0"},
      {Act::kSync, {}},
      {Act::kRetention, {}},
      {Act::kSql, "vacuum"},
      {Act::kSql, "pragma wal_checkpoint(truncate)"},
      {Act::kSql, insert(3, 700)},
      {Act::kReadImage, {}},
      {Act::kReopen, {}},
      {Act::kSql, "drop index i"},
      {Act::kSql, "pragma page_size=2048; vacuum"},
      {Act::kSql, insert(30, 300)},
      {Act::kPowerCut, {}},
      {Act::kSql, insert(1, 10)},
      {Act::kSql, "pragma journal_mode=delete"},
      {Act::kSql, insert(2, 10)},
      {Act::kRoll, {}},
      {Act::kSql, "pragma journal_mode=wal"},
      {Act::kSql, insert(4, 900)},
      {Act::kSync, {}},
      {Act::kRetention, {}},
      {Act::kSql, "delete from t"},
      {Act::kDrop, {}},
      {Act::kSql, "create table t(id integer primary key, v)"},
      {Act::kSql, insert(4, 30)},
      {Act::kDie, {}},
      {Act::kSql, insert(4, 30)},
  };
  return all;
}

}  // namespace skerry::test
