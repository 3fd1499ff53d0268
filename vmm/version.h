#pragma once

#define RESIDENT_VERSION "0.1"
