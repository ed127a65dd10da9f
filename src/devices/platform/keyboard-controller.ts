/**
 * The 8042 keyboard controller at 0x60 and 0x64 with nothing plugged in: enough to reset the machine, to open A20,
 * and for a driver to find quickly that there is no keyboard and no mouse.
 *
 * It keeps its command byte, tests itself, and answers every byte meant for a device with a timeout.
 * Leaves out the devices, scan codes and the internal RAM. Source: IBM PS/2 Technical Reference, "Keyboard and
 * Auxiliary Device Controller".
 */
import type { InterruptLine, PowerControl } from '../backends.js';
import type { AccessWidth, DeviceState, PortDevice } from '../device.js';
import { boolean, byte, nullable, parseState, record, type Shaped } from '../state-schema.js';

const REGION_DATA = 0;
const STATUS = {
  OUTPUT_FULL: 0x01,
  SYSTEM_FLAG: 0x04,
  COMMAND: 0x08,
  UNLOCKED: 0x10,
  TIMEOUT: 0x40,
} as const;
const COMMAND_BYTE_INTERRUPT = 0x01;
/** As a PC's firmware leaves it: keyboard interrupt, system flag, auxiliary device disabled, scan codes translated. */
const COMMAND_BYTE_INITIAL = 0x65;
const SELF_TEST_PASSED = 0x55;
/** The clock line is stuck low: no device. */
const INTERFACE_TEST_ABSENT = 0x01;
const RESEND = 0xfe;
/** Not in reset (bit 0), A20 open (bit 1), both clock and data lines idle. */
const OUTPUT_PORT_INITIAL = 0xc3;
const OUTPUT_PORT_RUN = 0x01;

const COMMAND = {
  READ_COMMAND_BYTE: 0x20,
  WRITE_COMMAND_BYTE: 0x60,
  TEST_AUXILIARY: 0xa9,
  SELF_TEST: 0xaa,
  TEST_KEYBOARD: 0xab,
  READ_INPUT_PORT: 0xc0,
  READ_OUTPUT_PORT: 0xd0,
  WRITE_OUTPUT_PORT: 0xd1,
  WRITE_KEYBOARD_OUTPUT: 0xd2,
  WRITE_AUXILIARY_OUTPUT: 0xd3,
  WRITE_AUXILIARY: 0xd4,
  /** 0xF0–0xFF pulse the low output lines whose bits are 0. */
  PULSE_FIRST: 0xf0,
} as const;

const stateShape = record({
  commandByte: byte,
  outputPort: byte,
  /** The byte that waits at port 0x60. */
  output: nullable(byte),
  timedOut: boolean,
  lastWasCommand: boolean,
  /** The command that takes the next data byte. */
  awaiting: nullable(byte),
});

function initialState(): Shaped<typeof stateShape> {
  return {
    commandByte: COMMAND_BYTE_INITIAL,
    outputPort: OUTPUT_PORT_INITIAL,
    output: null,
    timedOut: false,
    lastWasCommand: true,
    awaiting: null,
  };
}

export class KeyboardController implements PortDevice {
  readonly name = 'keyboard-controller';
  readonly portRegions = [
    { base: 0x60, length: 1, maxWidth: 1 },
    { base: 0x64, length: 1, maxWidth: 1 },
  ] as const;
  #state = initialState();

  /** `line` is IRQ1. */
  constructor(
    readonly power: PowerControl,
    readonly line: InterruptLine,
  ) {}

  reset(): void {
    this.#state = initialState();
    this.#drive();
  }

  readPort(region: number, _offset: number, _width: AccessWidth): number {
    return region === REGION_DATA ? this.#readData() : this.#readStatus();
  }

  writePort(region: number, _offset: number, _width: AccessWidth, wide: number): void {
    const value = wide & 0xff;
    this.#state.lastWasCommand = region !== REGION_DATA;
    if (region === REGION_DATA) this.#writeData(value);
    else this.#writeCommand(value);
  }

  save(): DeviceState {
    return { ...this.#state };
  }

  restore(state: DeviceState): void {
    this.#state = parseState(stateShape, state, this.name);
    this.#drive();
  }

  #readData(): number {
    const value = this.#state.output ?? 0;
    this.#state.output = null;
    this.#state.timedOut = false;
    this.#drive();
    return value;
  }

  #readStatus(): number {
    const { output, timedOut, lastWasCommand, commandByte } = this.#state;
    return (
      STATUS.UNLOCKED |
      (commandByte & STATUS.SYSTEM_FLAG) |
      (output === null ? 0 : STATUS.OUTPUT_FULL) |
      (lastWasCommand ? STATUS.COMMAND : 0) |
      (timedOut ? STATUS.TIMEOUT : 0)
    );
  }

  #writeCommand(command: number): void {
    this.#state.awaiting = null;
    switch (command) {
      case COMMAND.READ_COMMAND_BYTE:
        this.#answer(this.#state.commandByte);
        return;
      case COMMAND.SELF_TEST:
        this.#answer(SELF_TEST_PASSED);
        return;
      case COMMAND.TEST_KEYBOARD:
      case COMMAND.TEST_AUXILIARY:
        this.#answer(INTERFACE_TEST_ABSENT);
        return;
      case COMMAND.READ_INPUT_PORT:
        this.#answer(0);
        return;
      case COMMAND.READ_OUTPUT_PORT:
        this.#answer(this.#state.outputPort);
        return;
      case COMMAND.WRITE_COMMAND_BYTE:
      case COMMAND.WRITE_OUTPUT_PORT:
      case COMMAND.WRITE_KEYBOARD_OUTPUT:
      case COMMAND.WRITE_AUXILIARY_OUTPUT:
      case COMMAND.WRITE_AUXILIARY:
        this.#state.awaiting = command;
        return;
    }
    if (command >= COMMAND.PULSE_FIRST && !(command & OUTPUT_PORT_RUN)) this.power.reset();
  }

  #writeData(value: number): void {
    const { awaiting } = this.#state;
    this.#state.awaiting = null;
    switch (awaiting) {
      case COMMAND.WRITE_COMMAND_BYTE:
        this.#state.commandByte = value;
        this.#drive();
        return;
      case COMMAND.WRITE_OUTPUT_PORT:
        this.#state.outputPort = value | OUTPUT_PORT_RUN;
        if (!(value & OUTPUT_PORT_RUN)) this.power.reset();
        return;
      case COMMAND.WRITE_KEYBOARD_OUTPUT:
      case COMMAND.WRITE_AUXILIARY_OUTPUT:
        this.#answer(value);
        return;
      default: // for a device that is not there
        this.#answer(RESEND);
        this.#state.timedOut = true;
    }
  }

  #answer(value: number): void {
    this.#state.output = value;
    this.#state.timedOut = false;
    this.#drive();
  }

  #drive(): void {
    const { output, commandByte } = this.#state;
    this.line.set(output !== null && (commandByte & COMMAND_BYTE_INTERRUPT) !== 0);
  }
}
