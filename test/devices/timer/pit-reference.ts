/**
 * A counter of the 8254 that does one CLK at a time, after the data sheet's mode definitions: slow and plain.
 *
 * The real model must agree with it. It shares no code with it. Counts of 1 in modes 2 and 3 are left out.
 */

export class ReferenceCounter {
  mode = 0;
  access = 3;
  bcd = false;
  countRegister = 0;
  firstByte: number | undefined;
  secondRead = false;
  outputLatch: number | undefined;
  statusLatch: number | undefined;
  element = 0;
  out = false;
  nullCount = true;
  written = false;
  load = false;
  loadedOnce = false;
  stopped = false;
  waiting = false;
  strobe = false;
  odd = false;
  controlBits = 0x30;

  constructor(public gate: boolean) {}

  get modulus(): number {
    return this.bcd ? 10_000 : 65_536;
  }

  get initialCount(): number {
    const n = this.bcd ? Number.parseInt(this.countRegister.toString(16), 10) : this.countRegister;
    return n === 0 ? this.modulus : n;
  }

  clk(): void {
    if (this.load) {
      this.load = false;
      this.loadElement();
      this.loadedOnce = true;
      this.waiting = true;
      this.strobe = false;
      this.out = this.mode !== 0 && this.mode !== 1;
      return;
    }
    if (!this.loadedOnce || this.stopped) return;
    if (!this.gate && this.mode !== 1 && this.mode !== 5) return;
    if (this.mode === 3) {
      this.squareWave();
      return;
    }
    this.element = (this.element - 1 + this.modulus) % this.modulus;
    if (this.mode === 2) {
      if (this.element === 1) this.out = false;
      if (this.element === 0) {
        this.out = true;
        this.loadElement();
      }
    } else if (this.mode < 2) {
      if (this.waiting && this.element === 0) {
        this.waiting = false;
        this.out = true;
      }
    } else if (this.strobe) {
      this.strobe = false;
      this.waiting = false;
      this.out = true;
    } else if (this.waiting && this.element === 0) {
      this.strobe = true;
      this.out = false;
    }
  }

  squareWave(): void {
    if (this.odd && this.out && this.element === 0) {
      // "One CLK pulse after the count expires, OUT goes low and the counter is reloaded."
      this.out = false;
      this.loadElement();
      return;
    }
    this.element -= 2;
    if (this.element === 0 && !(this.odd && this.out)) {
      this.out = !this.out;
      this.loadElement();
    }
  }

  loadElement(): void {
    const n = this.initialCount;
    this.odd = n % 2 === 1;
    this.element = this.mode === 3 && this.odd ? n - 1 : n;
    this.nullCount = false;
  }

  setGate(gate: boolean): void {
    const rising = gate && !this.gate;
    const falling = !gate && this.gate;
    this.gate = gate;
    if (rising && this.written && [1, 2, 3, 5].includes(this.mode)) this.load = true;
    if (falling && (this.mode === 2 || this.mode === 3)) this.out = true;
  }

  control(word: number): void {
    const mode = (word >> 1) & 7;
    const { gate, element } = this;
    const latches = { firstByte: undefined, outputLatch: undefined, statusLatch: undefined };
    Object.assign(this, new ReferenceCounter(gate), { element, ...latches });
    this.mode = mode > 5 ? mode - 4 : mode;
    this.access = (word >> 4) & 3;
    this.bcd = (word & 1) === 1;
    this.controlBits = word & 0x3f;
    this.out = this.mode !== 0;
  }

  write(value: number): void {
    if (this.access === 3 && this.firstByte === undefined) {
      this.firstByte = value;
      if (this.mode === 0) {
        this.stopped = true;
        this.out = false;
      }
      return;
    }
    this.countRegister =
      this.access === 1 ? value : this.access === 2 ? value * 256 : (this.firstByte ?? 0) + value * 256;
    this.firstByte = undefined;
    this.stopped = false;
    this.written = true;
    this.nullCount = true;
    if (this.mode === 0) {
      this.out = false;
      this.waiting = false;
      this.load = true;
    }
    if (this.mode === 4) this.load = true;
    if ((this.mode === 2 || this.mode === 3) && !this.loadedOnce) this.load = true;
  }

  get visible(): number {
    const value = this.element % this.modulus;
    return this.bcd ? Number.parseInt(String(value), 16) : value;
  }

  latchCount(): void {
    this.outputLatch ??= this.visible;
  }

  latchStatus(): void {
    this.statusLatch ??= (this.out ? 0x80 : 0) + (this.nullCount ? 0x40 : 0) + this.controlBits;
  }

  read(): number {
    if (this.statusLatch !== undefined) {
      const status = this.statusLatch;
      this.statusLatch = undefined;
      return status;
    }
    const value = this.outputLatch ?? this.visible;
    const high = this.access === 2 || (this.access === 3 && this.secondRead);
    if (this.access === 3) this.secondRead = !this.secondRead;
    if (this.access !== 3 || high) this.outputLatch = undefined;
    return high ? Math.floor(value / 256) : value % 256;
  }
}
