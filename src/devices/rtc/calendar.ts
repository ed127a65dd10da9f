/**
 * The clock's time registers: seconds since the Unix epoch to bytes and back, in binary or BCD, 12 or 24 hours.
 *
 * Nonsense that a guest writes (a month 77) is carried over as calendars do, never refused.
 * Leaves out daylight saving. Source: Motorola MC146818A data sheet, "Time, Calendar, and Alarm Locations".
 */

/** CMOS addresses of the time registers, in the order of `TimeRegisters`; the century is a PC's addition. */
export const TIME_ADDRESSES: readonly number[] = [0x00, 0x02, 0x04, 0x06, 0x07, 0x08, 0x09, 0x32];
export const SECONDS_ALARM = 0x01;
export const MINUTES_ALARM = 0x03;
export const HOURS_ALARM = 0x05;

/** Seconds, minutes, hours, day of the week, day, month, year, century: as the guest reads them. */
export type TimeRegisters = number[];

export interface TimeFormat {
  /** Register B's DM: binary and not BCD. */
  readonly binary: boolean;
  /** Register B's 24/12. */
  readonly hours24: boolean;
}

const PM = 0x80;
/** Alarm bytes from 0xC0 match anything. */
const DONT_CARE = 0xc0;
const DAY = 86_400;
/** Seconds in which days of the week come round too, as they do every 400 years. */
const TEN_THOUSAND_YEARS = 25 * 146_097 * DAY;

/** @param seconds since the Unix epoch; as the registers do, it starts again after the year 9999 */
export function encodeTime(seconds: number, format: TimeFormat): TimeRegisters {
  const date = new Date((seconds % TEN_THOUSAND_YEARS) * 1000);
  const year = date.getUTCFullYear();
  const number = (value: number) => encodeNumber(value, format);
  return [
    number(date.getUTCSeconds()),
    number(date.getUTCMinutes()),
    encodeHours(date.getUTCHours(), format),
    number(date.getUTCDay() + 1),
    number(date.getUTCDate()),
    number(date.getUTCMonth() + 1),
    number(((year % 100) + 100) % 100),
    number(((Math.floor(year / 100) % 100) + 100) % 100),
  ];
}

/** Seconds since the Unix epoch. The day of the week follows from the date and is not looked at. */
export function decodeTime(registers: TimeRegisters, format: TimeFormat): number {
  const [second = 0, minute = 0, hour = 0, , day = 0, month = 0, year = 0, century = 0] = registers;
  const number = (value: number) => decodeNumber(value, format);
  const date = new Date(0);
  date.setUTCFullYear(number(century) * 100 + number(year), number(month) - 1, number(day));
  date.setUTCHours(decodeHours(hour, format), number(minute), number(second));
  return date.getTime() / 1000;
}

/**
 * The first time after `seconds` (since the Unix epoch) that the three alarm bytes match; Infinity if none does.
 */
export function nextAlarm(
  seconds: number,
  alarm: { readonly seconds: number; readonly minutes: number; readonly hours: number },
  format: TimeFormat,
): number {
  const choices = (raw: number, count: number, value: number) =>
    raw >= DONT_CARE ? Array.from({ length: count }, (_, index) => index) : value < count ? [value] : [];
  const hours = choices(alarm.hours, 24, decodeHours(alarm.hours, format));
  const minutes = choices(alarm.minutes, 60, decodeNumber(alarm.minutes, format));
  const secondsOfMinute = choices(alarm.seconds, 60, decodeNumber(alarm.seconds, format));
  const [hour, minute, second] = [hours[0], minutes[0], secondsOfMinute[0]];
  if (hour === undefined || minute === undefined || second === undefined) return Number.POSITIVE_INFINITY;

  const midnight = Math.floor((seconds + 1) / DAY) * DAY;
  const from = seconds + 1 - midnight;
  for (const h of hours) {
    if (h * 3600 + 3599 < from) continue;
    for (const m of minutes) {
      if (h * 3600 + m * 60 + 59 < from) continue;
      const s = secondsOfMinute.find((each) => h * 3600 + m * 60 + each >= from);
      if (s !== undefined) return midnight + h * 3600 + m * 60 + s;
    }
  }
  return midnight + DAY + hour * 3600 + minute * 60 + second;
}

function encodeNumber(value: number, format: TimeFormat): number {
  return format.binary ? value : (Math.floor(value / 10) << 4) | (value % 10);
}

function decodeNumber(value: number, format: TimeFormat): number {
  return format.binary ? value : (value >> 4) * 10 + (value & 15);
}

function encodeHours(hour: number, format: TimeFormat): number {
  if (format.hours24) return encodeNumber(hour, format);
  return encodeNumber(hour % 12 === 0 ? 12 : hour % 12, format) | (hour >= 12 ? PM : 0);
}

function decodeHours(value: number, format: TimeFormat): number {
  if (format.hours24) return decodeNumber(value, format);
  return (decodeNumber(value & ~PM, format) % 12) + (value & PM ? 12 : 0);
}
