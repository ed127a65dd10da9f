/*
 * Segment selectors, shared by C and assembly. Start-up knows the first two;
 * the others exist once a guest loads its own table (descriptors.h).
 */
#pragma once

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_CODE_32 0x18
#define SELECTOR_USER_DATA 0x23
#define SELECTOR_USER_CODE 0x2b
#define SELECTOR_TSS 0x30
