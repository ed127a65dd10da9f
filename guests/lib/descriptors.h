/* A global descriptor table with segments for rings 0 and 3, some that are not present, and a task state segment. */
#pragma once

#include "selectors.h"

#define SELECTOR_ABSENT_DATA 0x40
#define SELECTOR_ABSENT_CODE 0x48
#define SELECTOR_ABSENT_USER_DATA 0x53
#define SELECTOR_ABSENT_TSS 0x58
#define SELECTOR_BEYOND_TABLE 0x1008

#define FAULT_STACK 1 /* IST1: for what arrives with an unusable stack */
#define LAST_STACK 7  /* IST7: the task state segment's last */

#ifndef __ASSEMBLER__

#include <stdint.h>

#define TSS_LIMIT 103
#define TSS_LIMIT_BEFORE_LAST_STACK 0x53

/* Loads both tables; RSP0 and IST1 get stacks of their own. */
void descriptors_init(void);

/* Loads the task register again, with another limit. */
void descriptors_set_tss_limit(uint32_t limit);

#endif
