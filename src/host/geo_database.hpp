// SPDX-License-Identifier: MIT
// The country and network of an address, from databases in MaxMind's format (MMDB). None is
// shipped.
//
// Thread rule: one thread at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/error.hpp"

struct MMDB_s;

namespace fw::host {

struct Geo {
  std::string country;  // ISO 3166 code; empty: not known
  std::string network;  // "AS64500 Example"; empty: not known
};

// One file. Understands both layouts of the country: `country_code` and `country.iso_code`.
class GeoDatabase {
 public:
  [[nodiscard]] static Result<GeoDatabase> open(const std::filesystem::path& file);
  // What the file has of the address; adds to what is empty in `geo`.
  void look_up(const Address& address, Geo& geo) const;

 private:
  explicit GeoDatabase(std::shared_ptr<MMDB_s> opened) : opened_(std::move(opened)) {}
  std::shared_ptr<MMDB_s> opened_;
};

// The .mmdb files where Debian's tools put them (/usr/share/GeoIP, /var/lib/GeoIP).
[[nodiscard]] std::vector<std::filesystem::path> installed_geo_databases();

}  // namespace fw::host
