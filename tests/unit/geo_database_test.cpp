// SPDX-License-Identifier: MIT
// The databases are made by tests/unit/geo/make-mmdb.
#include "host/geo_database.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace {

using fw::Prefix;
using fw::host::Geo;
using fw::host::GeoDatabase;

const std::filesystem::path kFolder = FLOODWALL_SOURCE "/tests/unit/geo";

Geo found(const std::string& name, const std::string& address) {
  const auto opened = GeoDatabase::open(kFolder / name);
  Geo geo;
  if (opened)
    opened->look_up(Prefix::parse(address)->address, geo);
  else
    ADD_FAILURE() << opened.error().message;
  return geo;
}

TEST(geo_database, both_layouts_of_a_country_are_read) {
  EXPECT_EQ(found("flat.mmdb", "192.0.2.7").country, "ZZ");
  EXPECT_EQ(found("flat.mmdb", "2001:db8:1::7").country, "ZZ");
  EXPECT_EQ(found("nested.mmdb", "192.0.2.7").country, "YY");
  EXPECT_EQ(found("nested.mmdb", "2001:db8:1::7").country, "YY");
}

TEST(geo_database, network_has_its_number_and_its_name) {
  EXPECT_EQ(found("network.mmdb", "192.0.2.7").network, "AS64500 Example");
  EXPECT_EQ(found("network.mmdb", "192.0.2.7").country, "");
}

TEST(geo_database, address_that_it_does_not_have_is_not_known) {
  EXPECT_EQ(found("flat.mmdb", "198.51.100.7").country, "");
  EXPECT_EQ(found("network.mmdb", "2001:db8:2::7").network, "");
}

TEST(geo_database, first_of_two_databases_that_knows_is_believed) {
  const auto flat = GeoDatabase::open(kFolder / "flat.mmdb");
  const auto nested = GeoDatabase::open(kFolder / "nested.mmdb");
  ASSERT_TRUE(flat && nested);
  Geo geo;
  flat->look_up(Prefix::parse("192.0.2.7")->address, geo);
  nested->look_up(Prefix::parse("192.0.2.7")->address, geo);
  EXPECT_EQ(geo.country, "ZZ");
}

TEST(geo_database, file_that_is_none_is_named) {
  const auto gone = GeoDatabase::open(kFolder / "gone.mmdb");
  ASSERT_FALSE(gone);
  EXPECT_NE(gone.error().message.find("gone.mmdb"), std::string::npos);
  const auto other = GeoDatabase::open(kFolder / "make-mmdb");
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().message.find("make-mmdb"), std::string::npos);
}

}  // namespace
