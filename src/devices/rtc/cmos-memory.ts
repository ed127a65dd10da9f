/**
 * What a PC's firmware leaves in the CMOS RAM: the equipment byte and the sizes of memory.
 *
 * Leaves out disk geometry and boot order. Source: the CMOS map as QEMU and Bochs fill it.
 */

export const CMOS_SIZE = 128;
const EQUIPMENT = 0x14;
const EQUIPMENT_COPROCESSOR = 0x02;
const CHECKSUM_FIRST = 0x10;
const CHECKSUM_LAST = 0x2d;
const CHECKSUM = 0x2e;
const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

/** @param ramBytes RAM in bytes; a share above 4 GiB is told apart at 0x5B */
export function initialCmos(ramBytes: number): Uint8Array {
  const cmos = new Uint8Array(CMOS_SIZE);
  const store = (address: number, value: number, bytes: number) => {
    for (let index = 0; index < bytes; index++) {
      cmos[address + index] = Math.floor(value / 256 ** index) & 0xff;
    }
  };
  const low = Math.min(ramBytes, 4 * GIB);
  const baseKib = Math.min(640, Math.floor(low / KIB));
  const extendedKib = Math.min(0xffff, Math.floor(Math.max(0, low - MIB) / KIB));
  const above16MibIn64Kib = Math.min(0xffff, Math.floor(Math.max(0, low - 16 * MIB) / (64 * KIB)));
  const above4GibIn64Kib = Math.floor(Math.max(0, ramBytes - 4 * GIB) / (64 * KIB));
  store(EQUIPMENT, EQUIPMENT_COPROCESSOR, 1);
  store(0x15, baseKib, 2);
  store(0x17, extendedKib, 2);
  store(0x30, extendedKib, 2);
  store(0x34, above16MibIn64Kib, 2);
  store(0x5b, above4GibIn64Kib, 3);
  let sum = 0;
  for (let address = CHECKSUM_FIRST; address <= CHECKSUM_LAST; address++) sum += cmos[address] ?? 0;
  cmos[CHECKSUM] = (sum >> 8) & 0xff;
  cmos[CHECKSUM + 1] = sum & 0xff;
  return cmos;
}
