// SPDX-License-Identifier: MIT
// `floodwall apply` said "nothing changed" after log.rotate, log.keep or api.group had changed: the
// report had a list of keys of its own.
#include <gtest/gtest.h>

#include <string>

#include "harness/engine_lab.hpp"

namespace fw::test {
namespace {

using Json = nlohmann::json;

TEST(apply, reports_keys_that_only_the_daemon_uses) {
  EngineLab lab;
  lab.folder.write("floodwall.toml",
                   "[log]\nrotate = \"1MiB\"\nkeep = 9\njournal = false\n[api]\ngroup = \"adm\"\n");
  const auto reply = lab.run("apply");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ((*reply)["message"], "the configuration on disk is in force");
  EXPECT_EQ((*reply)["changes"], (Json{"log.rotate 16MiB -> 1MiB", "log.keep 5 -> 9",
                                       "log.journal true -> false", "api.group floodwall -> adm"}));
}

TEST(apply, says_that_nothing_changed_only_if_nothing_did) {
  EngineLab lab;
  lab.folder.write("floodwall.toml", "[log]\nkeep = 5\n");
  const auto reply = lab.run("apply");
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ((*reply)["message"], "in force already: nothing changed");
}

}  // namespace
}  // namespace fw::test
