// SPDX-License-Identifier: MIT
// base/nearest.hpp under its former name.
#pragma once

#include "base/nearest.hpp"

namespace fw::control {

using fw::did_you_mean;
using fw::names_of;
using fw::nearest;

}  // namespace fw::control
