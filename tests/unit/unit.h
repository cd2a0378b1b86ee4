/*
 * unit.h - what every unit test needs. cmocka wants its neighbours included first, and one group per program (its TAP
 * output prints a plan for each).
 */
#ifndef GANTRY_TESTS_UNIT_H
#define GANTRY_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
