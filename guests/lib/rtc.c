/*
 * Reads the clock: waits while an update is in progress and reads until two
 * readings agree, since an update may begin between two registers.
 * MC146818A's data sheet; the century register is where PCs have it.
 */
#include "rtc.h"

#include <stdbool.h>

#include "ports.h"

#define RTC_INDEX 0x70
#define RTC_DATA 0x71

#define RTC_SECOND 0x00
#define RTC_MINUTE 0x02
#define RTC_HOUR 0x04
#define RTC_DAY 0x07
#define RTC_MONTH 0x08
#define RTC_YEAR 0x09
#define RTC_STATUS_A 0x0a
#define RTC_STATUS_B 0x0b
#define RTC_CENTURY 0x32

#define STATUS_A_UPDATE_IN_PROGRESS 0x80
#define STATUS_B_24_HOURS 0x02
#define STATUS_B_BINARY 0x04
#define HOUR_PM 0x80

struct reading {
	uint8_t second, minute, hour, day, month, year, century;
};

static uint8_t rtc_register(uint8_t index)
{
	out8(RTC_INDEX, index);
	return in8(RTC_DATA);
}

static struct reading read_once(void)
{
	while (rtc_register(RTC_STATUS_A) & STATUS_A_UPDATE_IN_PROGRESS)
		;
	return (struct reading){
		.second = rtc_register(RTC_SECOND),
		.minute = rtc_register(RTC_MINUTE),
		.hour = rtc_register(RTC_HOUR),
		.day = rtc_register(RTC_DAY),
		.month = rtc_register(RTC_MONTH),
		.year = rtc_register(RTC_YEAR),
		.century = rtc_register(RTC_CENTURY),
	};
}

static bool same(const struct reading *a, const struct reading *b)
{
	return a->second == b->second && a->minute == b->minute && a->hour == b->hour && a->day == b->day &&
	       a->month == b->month && a->year == b->year && a->century == b->century;
}

static uint8_t from_bcd(uint8_t value)
{
	return (uint8_t)((value >> 4) * 10 + (value & 0x0f));
}

static uint8_t hour_of(uint8_t value, uint8_t status_b)
{
	bool pm = value & HOUR_PM;
	uint8_t hour = value & (uint8_t)~HOUR_PM;

	if (!(status_b & STATUS_B_BINARY))
		hour = from_bcd(hour);
	if (status_b & STATUS_B_24_HOURS)
		return hour;
	return (uint8_t)(hour % 12 + (pm ? 12 : 0));
}

struct date_time rtc_read(void)
{
	uint8_t status_b = rtc_register(RTC_STATUS_B);
	struct reading now = read_once(), before;
	uint8_t century;

	do {
		before = now;
		now = read_once();
	} while (!same(&before, &now));

	now.hour = hour_of(now.hour, status_b);
	century = from_bcd(now.century);
	if (!(status_b & STATUS_B_BINARY)) {
		now.second = from_bcd(now.second);
		now.minute = from_bcd(now.minute);
		now.day = from_bcd(now.day);
		now.month = from_bcd(now.month);
		now.year = from_bcd(now.year);
	}
	/* A clock without a century register is taken to live in ours. */
	if (century < 19 || century > 21)
		century = 20;
	return (struct date_time){
		.year = (uint16_t)(century * 100 + now.year),
		.month = now.month,
		.day = now.day,
		.hour = now.hour,
		.minute = now.minute,
		.second = now.second,
	};
}
