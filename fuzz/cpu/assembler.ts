/**
 * As much of an assembler for 64-bit code as the trampoline and the guest's handlers need: moves, pushes, jumps.
 * SDM volume 2, chapter 2.
 */
export class Assembler {
  readonly #bytes: number[] = [];

  constructor(readonly origin: number) {}

  /** The address of what comes next. */
  here(): number {
    return this.origin + this.#bytes.length;
  }
  finished(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
  bytes(...bytes: number[]): void {
    this.#bytes.push(...bytes);
  }
  immediate32(value: number): void {
    this.bytes(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
  }

  /** 64 bits with a register and memory at an absolute address. */
  #absolute(opcode: number, register: number, address: number): void {
    this.bytes(0x48 | ((register >> 3) << 2), opcode, 0x04 | ((register & 7) << 3), 0x25);
    this.immediate32(address);
  }
  /** ModRM for a register and [base + displacement], SIB where the base asks for it. */
  #based(register: number, base: number, displacement: number): void {
    this.bytes(0x80 | ((register & 7) << 3) | (base & 7));
    if ((base & 7) === 4) this.bytes(0x24);
    this.immediate32(displacement);
  }

  load(register: number, address: number): void {
    this.#absolute(0x8b, register, address);
  }
  store(address: number, register: number): void {
    this.#absolute(0x89, register, address);
  }
  add(address: number, register: number): void {
    this.#absolute(0x01, register, address);
  }
  addImmediate(address: number, value: number): void {
    this.#absolute(0x81, 0, address);
    this.immediate32(value);
  }
  loadBased(register: number, base: number, displacement: number): void {
    this.bytes(0x48 | ((register >> 3) << 2) | (base >> 3), 0x8b);
    this.#based(register, base, displacement);
  }
  storeBased(base: number, displacement: number, register: number): void {
    this.bytes(0x48 | ((register >> 3) << 2) | (base >> 3), 0x89);
    this.#based(register, base, displacement);
  }
  leaBased(register: number, base: number, displacement: number): void {
    this.bytes(0x48 | ((register >> 3) << 2) | (base >> 3), 0x8d);
    this.#based(register, base, displacement);
  }
  storeImmediateBased(base: number, displacement: number, value: number): void {
    this.bytes(0x48 | (base >> 3), 0xc7);
    this.#based(0, base, displacement);
    this.immediate32(value);
  }
  /** Zero-extended. */
  moveImmediate(register: number, value: number): void {
    this.bytes(0xb8 | register);
    this.immediate32(value);
  }
  push(register: number): void {
    if (register > 7) this.bytes(0x41);
    this.bytes(0x50 | (register & 7));
  }
  pop(register: number): void {
    if (register > 7) this.bytes(0x41);
    this.bytes(0x58 | (register & 7));
  }

  /** MOVUPS, or VMOVUPS of 256 bits. */
  vectorMove(wide: boolean, store: boolean, register: number, base: number, displacement: number): void {
    const opcode = store ? 0x11 : 0x10;
    const high = register >> 3;
    if (wide) this.bytes(0xc5, (high ? 0 : 0x80) | 0x7c, opcode);
    else this.bytes(...(high ? [0x44] : []), 0x0f, opcode);
    this.#based(register, base, displacement);
  }

  jump(target: number): void {
    this.bytes(0xe9);
    this.immediate32(target - this.here() - 4);
  }
  jumpThrough(address: number): void {
    this.bytes(0xff, 0x24, 0x25);
    this.immediate32(address);
  }
  jumpNotZeroTo(target: number): void {
    this.bytes(0x0f, 0x85);
    this.immediate32(target - this.here() - 4);
  }
  /** Forward; to be passed to `land`. */
  jumpZero(): number {
    this.bytes(0x0f, 0x84);
    this.immediate32(0);
    return this.#bytes.length;
  }
  jumpNotZero(): number {
    this.bytes(0x0f, 0x85);
    this.immediate32(0);
    return this.#bytes.length;
  }
  /** Makes a forward jump come here. */
  land(jump: number): void {
    const distance = this.#bytes.length - jump;
    for (let n = 0; n < 4; n++) this.#bytes[jump - 4 + n] = (distance >> (8 * n)) & 255;
  }
}
