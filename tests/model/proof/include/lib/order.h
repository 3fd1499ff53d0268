/*
 * lib/order.h for the proof, in which nothing happens between two statements: docs/model.md is
 * about what another CPU may see.
 */
#pragma once

/*@ assigns \nothing; */
void compiler_barrier(void);
