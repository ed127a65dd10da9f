/* The real-time clock (MC146818) at ports 0x70 and 0x71. */
#pragma once

#include <stdint.h>

struct date_time {
	uint16_t year;
	uint8_t month, day, hour, minute, second;
};

/* A consistent reading, whichever of BCD or binary, 12 or 24 hours the chip is set to. */
struct date_time rtc_read(void);
