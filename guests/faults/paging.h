/* A window of 4 KiB pages at 512 GiB, each page wrong in its own way. */
#pragma once

#define WINDOW 0x8000000000
#define PAGE_SIZE 0x1000

#define PAGE_ABSENT (WINDOW + 0 * PAGE_SIZE)
#define PAGE_READ_ONLY (WINDOW + 1 * PAGE_SIZE)
#define PAGE_NO_EXECUTE (WINDOW + 2 * PAGE_SIZE)
#define PAGE_RESERVED_BIT (WINDOW + 3 * PAGE_SIZE)
#define PAGE_SUPERVISOR (WINDOW + 4 * PAGE_SIZE)
#define PAGE_BEFORE_ABSENT (WINDOW + 5 * PAGE_SIZE)
#define PAGE_ABSENT_AFTER (WINDOW + 6 * PAGE_SIZE)
/* A 2 MiB page whose entry has a reserved bit set. */
#define LARGE_PAGE_RESERVED_BIT (WINDOW + 0x200000)

/* The first eight bytes of the frame behind all of them. */
#define PAGE_PATTERN 0x1122334455667788

#ifndef __ASSEMBLER__

#include <stdbool.h>

/* Adds the window, opens the image itself to ring 3, turns on CR0.WP and, if there, EFER.NXE. */
void paging_init(bool no_execute);

/* Maps PAGE_ABSENT to a frame that holds PAGE_PATTERN, and unmaps it again. */
void paging_map_absent(void);
void paging_unmap_absent(void);

/* What the straddling store would have changed before its fault: zero if nothing was written. */
unsigned paging_bytes_before_absent(void);

#endif
