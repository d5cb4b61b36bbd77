// SPDX-License-Identifier: MIT
// main() of every test program. Unlike gtest's own it fails when the filter matches no test.
#include <gtest/gtest.h>

#include <cstdio>

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  if (GTEST_FLAG_GET(list_tests)) return status;
  if (testing::UnitTest::GetInstance()->test_to_run_count() > 0) return status;
  std::fprintf(stderr, "no test matches --gtest_filter='%s'; --gtest_list_tests names them\n",
               GTEST_FLAG_GET(filter).c_str());
  return 1;
}
